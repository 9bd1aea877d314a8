import { stat } from 'node:fs/promises'
import { basename, dirname, extname } from 'node:path'
import { cleanText } from '../base/index.ts'
import type { Database } from '../store/index.ts'
import { recordSelfFinding } from '../telemetry/index.ts'
import type { PolicyFault } from './parsePolicy.ts'

/** Id of the action that a policy file is for: `<id>/policy.yaml`, `<id>/desk.yaml` or `<id>.yaml`. */
export const policyIdOf = (file: string): string =>
  ['policy.yaml', 'desk.yaml'].includes(basename(file))
    ? basename(dirname(file))
    : basename(file, extname(file))

/** When the file was last written, so that the same fault made again is told again. */
const stampOf = async (file: string): Promise<string> => {
  const info = await stat(file).catch(() => undefined)
  return info ? String(Math.floor(info.mtimeMs)) : 'none'
}

/**
 * Tells people that policy files are wrong and count as none: one finding per file and writing of it, however many
 * processes and restarts see it.
 */
export const reportPolicyFaults = async (
  db: Database,
  faults: readonly PolicyFault[],
): Promise<void> => {
  for (const file of new Set(faults.map((fault) => fault.file))) {
    const own = faults.filter((fault) => fault.file === file)
    const action = cleanText(policyIdOf(file), 80)
    const lines = own.slice(0, 5).map(({ line, message }) => `line ${line}: ${message}`)
    await recordSelfFinding(db, {
      alertId: 'POLICY-FAULTY',
      name: `The policy of ${action} is refused`,
      description: cleanText(
        `${file} is wrong (${lines.join('; ')}${own.length > 5 ? '; …' : ''}). The action ${action} will not be taken until it is mended; everything else goes on. \`tocsin check\` shows every fault.`,
        1_000,
      ),
      severity: 'High',
      uniqueKey: `${file}:${await stampOf(file)}`,
      metadata: { action, file, line: String(own[0]?.line ?? 1), faults: String(own.length) },
    })
  }
}
