import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, TocsinError } from '../base/index.ts'
import { loadActions } from './loadActions.ts'
import { type PolicyFault, parsePolicy } from './parsePolicy.ts'
import { checkSignatures, listSigners, type Signers } from './policySignature.ts'
import { listSignatureFiles, readSignatures } from './readSignatures.ts'
import type { ActionDefinition, LoadedPolicy } from './types.ts'

const MAX_BYTES = 256 * 1024

export type PolicyFile = {
  readonly id: string
  readonly file: string
  readonly stamp: string
  /** Changes when a detached signature comes or goes. */
  readonly signatureStamp: string
}

/** Policy files of a folder: `<id>/policy.yaml` and `<id>.yaml`. A folder that is not there holds none. */
export const listPolicyFiles = async (folder: string): Promise<readonly PolicyFile[]> => {
  const entries = await readdir(folder, { withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    },
  )
  const candidates = entries.flatMap((entry) => {
    if (entry.isDirectory())
      return [{ id: entry.name, file: join(folder, entry.name, 'policy.yaml') }]
    const id = /^(.+)\.ya?ml$/.exec(entry.name)?.[1]
    return id === undefined ? [] : [{ id, file: join(folder, entry.name) }]
  })
  const files = await Promise.all(
    candidates.map(async ({ id, file }) => {
      const info = await stat(file).catch(() => undefined)
      if (!info?.isFile()) return []
      const signatures = await listSignatureFiles(file)
      return [
        {
          id,
          file,
          stamp: `${info.mtimeMs}:${info.size}:${info.ino}`,
          signatureStamp: signatures.map((each) => `${each.file}:${each.stamp}`).join('\n'),
        },
      ]
    }),
  )
  return files.flat().sort((a, b) => (a.file < b.file ? -1 : 1))
}

export type ReadPoliciesResult = {
  readonly policies: readonly LoadedPolicy[]
  readonly faults: readonly PolicyFault[]
}

/** Reads every policy file of a folder; a faulty one is reported and does not take the others down. Signatures count by the keys and contracts of `signers`. */
export const readPolicies = async (
  folder: string,
  actions?: readonly ActionDefinition[],
  signers: Signers = { approvers: [] },
): Promise<ReadPoliciesResult> => {
  const known = actions ?? (await loadActions())
  const files = await listPolicyFiles(folder)
  const policies: LoadedPolicy[] = []
  const faults: PolicyFault[] = []
  for (const { id, file, stamp } of files) {
    const whole = (message: string): PolicyFault => ({ file, line: 1, column: 1, message })
    if (Number(stamp.split(':')[1]) > MAX_BYTES) {
      faults.push(whole(`larger than ${MAX_BYTES} bytes`))
      continue
    }
    try {
      const result = parsePolicy(await readFile(file, 'utf8'), {
        file,
        expectedId: id,
        actions: known,
      })
      if (!result.ok) faults.push(...result.faults)
      else if (policies.some((other) => other.id === result.policy.id))
        faults.push(whole(`a second file for "${id}"`))
      else {
        const { signatures } = await readSignatures(file)
        const checks = await checkSignatures(result.policy, signatures, signers)
        policies.push({ ...result.policy, signedBy: listSigners(checks) })
      }
    } catch (error) {
      faults.push(whole(messageOf(error)))
    }
  }
  return { policies, faults }
}

export const formatFault = ({ file, line, column, message }: PolicyFault): string =>
  `${file}:${line}:${column} ${message}`

/**
 * Reads every policy file of a folder.
 * @throws TocsinError `policy.invalid` with one hint per fault (file, line, column, what is wrong).
 */
export const loadPolicies = async (
  folder: string,
  actions?: readonly ActionDefinition[],
): Promise<readonly LoadedPolicy[]> => {
  const { policies, faults } = await readPolicies(folder, actions)
  if (faults.length > 0)
    throw new TocsinError(
      'policy.invalid',
      `${faults.length} fault${faults.length === 1 ? '' : 's'} in the policy files.`,
      {
        hints: faults.map(formatFault),
        exitCode: 2,
      },
    )
  return policies
}
