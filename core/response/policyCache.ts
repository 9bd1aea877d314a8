import { listPolicyFiles, readPolicies } from './loadPolicies.ts'
import type { PolicyFault } from './parsePolicy.ts'
import type { ActionDefinition, LoadedPolicy } from './types.ts'

export type PolicyCache = {
  /** Reads the files again when one changed (by modification time, size and inode). */
  readonly refresh: () => Promise<void>
  readonly get: (id: string) => LoadedPolicy | undefined
  readonly list: () => readonly LoadedPolicy[]
  readonly faults: () => readonly PolicyFault[]
}

/** The signer's own copy of the policy files. A file that became faulty counts as no policy. */
export const createPolicyCache = (folder: string, actions: readonly ActionDefinition[]): PolicyCache => {
  let stamp: string | undefined
  let policies: readonly LoadedPolicy[] = []
  let faults: readonly PolicyFault[] = []
  return {
    refresh: async () => {
      const seen = (await listPolicyFiles(folder)).map((entry) => `${entry.file}:${entry.stamp}`).join('\n')
      if (seen === stamp) return
      const result = await readPolicies(folder, actions)
      policies = result.policies
      faults = result.faults
      stamp = seen
    },
    get: (id) => policies.find((policy) => policy.id === id),
    list: () => policies,
    faults: () => faults,
  }
}
