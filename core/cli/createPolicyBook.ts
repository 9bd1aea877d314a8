import { join } from 'node:path'
import { messageOf } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import {
  formatFault,
  type LoadedPolicy,
  type PolicyFault,
  policyIdOf,
  type ReadPoliciesResult,
  readPolicies,
  reportPolicyFaults,
} from '../response/index.ts'
import type { Store } from '../store/index.ts'
import type { Logger } from '../telemetry/index.ts'

/** The policies that the watcher's intents may name. A faulty file takes nothing but its own action away. */
export type PolicyBook = {
  /** Reads the files again. Only the database can make it throw; the policies are up to date all the same. */
  readonly refresh: (config: Config) => Promise<void>
  readonly list: () => readonly LoadedPolicy[]
  /** What is wrong with the files, `file:line:column message` each. */
  readonly faults: () => readonly string[]
}

const readSafely = async (folder: string): Promise<ReadPoliciesResult> =>
  readPolicies(folder).catch((error: unknown) => ({
    policies: [],
    faults: [{ file: folder, line: 1, column: 1, message: messageOf(error) }],
  }))

/** Actions that the watchlist names and for which no file, right or wrong, was found. */
const findMissing = (
  { answers, actionsDir }: Config,
  known: ReadonlySet<string>,
): readonly PolicyFault[] =>
  [...new Set(answers.map(({ action }) => action))]
    .filter((action) => !known.has(action))
    .map((action) => ({
      file: join(actionsDir, action, 'policy.yaml'),
      line: 1,
      column: 1,
      message: `there is no policy file for the action "${action}"; \`tocsin actions new\` writes one`,
    }))

/**
 * A file that turns faulty while the watcher runs leaves the version read before in the book: an intent is then still
 * written, and the signer, which takes the file for none, refuses it where people see it.
 */
export const createPolicyBook = (options: {
  readonly store: Store
  readonly log: Logger
}): PolicyBook => {
  const { store, log } = options
  let policies: readonly LoadedPolicy[] = []
  let faults: readonly PolicyFault[] = []
  let told = ''

  const read = async (config: Config): Promise<ReadPoliciesResult> => {
    if (config.answers.length === 0) return { policies: [], faults: [] }
    const found = await readSafely(config.actionsDir)
    const faulty = new Set(found.faults.map(({ file }) => policyIdOf(file)))
    const right = new Set(found.policies.map(({ id }) => id))
    const kept = policies.filter(({ id }) => faulty.has(id) && !right.has(id))
    const missing = findMissing(config, new Set([...faulty, ...right]))
    return { policies: [...found.policies, ...kept], faults: [...found.faults, ...missing] }
  }

  return {
    list: () => policies,
    faults: () => faults.map(formatFault),
    refresh: async (config) => {
      const before = new Set(faults.map(formatFault))
      const result = await read(config)
      policies = result.policies
      faults = result.faults
      const now = faults.map(formatFault)
      for (const fault of now)
        if (!before.has(fault)) log.error({ fault }, `A policy is refused: ${fault}`)
      if (before.size > 0 && now.length === 0) log.info('The policy files are right again.')
      const all = now.join('\n')
      if (all === told) return
      await reportPolicyFaults(store.db, faults)
      told = all
    },
  }
}
