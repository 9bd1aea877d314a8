import { listPolicyFiles, readPolicies } from './loadPolicies.ts'
import type { PolicyFault } from './parsePolicy.ts'
import type { Approver } from './people/readApprovals.ts'
import type { ActionDefinition, LoadedPolicy } from './types.ts'

export type PolicyCache = {
  /** Reads the files again when one changed (by modification time, size and inode); true when something did. */
  readonly refresh: () => Promise<boolean>
  readonly get: (id: string) => LoadedPolicy | undefined
  /** Any version that this process has read, by its hash: what is in flight is watched to its end by the rules it began with. */
  readonly getVersion: (hash: string) => LoadedPolicy | undefined
  readonly list: () => readonly LoadedPolicy[]
  readonly faults: () => readonly PolicyFault[]
}

/** The signer's own copy of the policy files. A file that became faulty counts as no policy. */
export const createPolicyCache = (
  folder: string,
  actions: readonly ActionDefinition[],
  approvers: readonly Approver[] = [],
): PolicyCache => {
  let stamp: string | undefined
  let policies: readonly LoadedPolicy[] = []
  let faults: readonly PolicyFault[] = []
  const versions = new Map<string, LoadedPolicy>()
  return {
    refresh: async () => {
      const seen = (await listPolicyFiles(folder))
        .map((entry) => `${entry.file}:${entry.stamp}\n${entry.signatureStamp}`)
        .join('\n')
      if (seen === stamp) return false
      const result = await readPolicies(folder, actions, approvers)
      policies = result.policies
      for (const policy of policies) versions.set(policy.hash, policy)
      faults = result.faults
      stamp = seen
      return true
    },
    get: (id) => policies.find((policy) => policy.id === id),
    getVersion: (hash) => versions.get(hash),
    list: () => policies,
    faults: () => faults,
  }
}
