import type { CallTrace, Finding } from 'tocsin'
import { findHelper } from './knownCode.ts'
import { reportDelegatecall, type Setting } from './report.ts'
import { unwrapInput } from './unwrapCalls.ts'

/**
 * Foreign code that a Safe ran as its own. The Safe's helpers are known by their code: of a batch only what it runs by
 * delegatecall itself is told.
 */
export const findForeignCode = async (
  setting: Setting,
  call: CallTrace,
): Promise<readonly Finding[]> => {
  const { ctx, thing } = setting
  const [outer, ...parts] = unwrapInput('multisig', call.input)
  const isAllowed = (to: string): boolean =>
    (thing.parameters.delegateTargets as readonly string[]).includes(to)
  if (outer?.operation !== 1 || isAllowed(outer.to)) return []
  const helper = await findHelper(ctx, outer.to)
  if (!helper?.isBatch) return [reportDelegatecall(setting, outer.to, call, { helper })]
  const findings: Finding[] = []
  for (const [part, { operation, to }] of parts.entries())
    if (operation === 1 && !isAllowed(to)) {
      const inner = await findHelper(ctx, to)
      // A batch within a batch is not looked into.
      const known = inner?.isBatch ? undefined : inner
      findings.push(reportDelegatecall(setting, to, call, { helper: known, part }))
    }
  return findings
}
