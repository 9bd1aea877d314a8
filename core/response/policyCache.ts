import { listPolicyFiles, readPolicies } from './loadPolicies.ts'
import type { PolicyFault } from './parsePolicy.ts'
import type { Signers } from './policySignature.ts'
import type { ActionDefinition, LoadedPolicy } from './types.ts'

export type PolicyCache = {
  /** Reads the files again when one changed (by modification time, size and inode); true when something did. */
  readonly refresh: () => Promise<boolean>
  /** Reads them again now and then where approvers are contracts, whose owners change; true when something did. */
  readonly recheck: () => Promise<boolean>
  readonly get: (id: string) => LoadedPolicy | undefined
  /** Any version that this process has read, by its hash: what is in flight is watched to its end by the rules it began with. */
  readonly getVersion: (hash: string) => LoadedPolicy | undefined
  readonly list: () => readonly LoadedPolicy[]
  readonly faults: () => readonly PolicyFault[]
}

const RECHECK_MS = 30_000

const stateOf = (policies: readonly LoadedPolicy[]): string =>
  policies.map(({ hash, signedBy }) => `${hash} ${(signedBy ?? []).join(',')}`).join('\n')

/** The signer's own copy of the policy files. A file that became faulty counts as no policy. */
export const createPolicyCache = (
  folder: string,
  actions: readonly ActionDefinition[],
  signers: Signers = { approvers: [] },
): PolicyCache => {
  const hasContracts = signers.approvers.some(({ chain }) => chain !== undefined)
  let recheckedAtMs = Date.now()
  let stamp: string | undefined
  let policies: readonly LoadedPolicy[] = []
  let faults: readonly PolicyFault[] = []
  const versions = new Map<string, LoadedPolicy>()
  const read = async (seen: string): Promise<boolean> => {
    const before = stateOf(policies)
    const result = await readPolicies(folder, actions, signers)
    policies = result.policies
    for (const policy of policies) versions.set(policy.hash, policy)
    faults = result.faults
    const isNew = seen !== stamp || before !== stateOf(policies)
    stamp = seen
    return isNew
  }
  const look = async (): Promise<string> =>
    (await listPolicyFiles(folder))
      .map((entry) => `${entry.file}:${entry.stamp}\n${entry.signatureStamp}`)
      .join('\n')
  return {
    refresh: async () => {
      const seen = await look()
      return seen === stamp ? false : read(seen)
    },
    recheck: async () => {
      if (!hasContracts || Date.now() - recheckedAtMs < RECHECK_MS) return false
      recheckedAtMs = Date.now()
      return read(await look())
    },
    get: (id) => policies.find((policy) => policy.id === id),
    getVersion: (hash) => versions.get(hash),
    list: () => policies,
    faults: () => faults,
  }
}
