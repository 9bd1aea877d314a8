import { readFile } from 'node:fs/promises'
import { parse, stringify } from 'yaml'
import type { LoadedPolicy } from '../types.ts'

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Longest that the only sender of a rehearsal may take. */
const DEADLINE_S = 86_400

/**
 * The policy as it is rehearsed: sent by itself, over the fork alone. Everything that protects the chain stays; what
 * cannot be had on a fork is left out, and said.
 */
export const writeScratchPolicy = async (
  policy: LoadedPolicy,
  hasEvidence: boolean,
): Promise<{ readonly text: string; readonly notes: readonly string[] }> => {
  const content: unknown = parse(await readFile(policy.file, 'utf8'))
  if (!isRecord(content)) throw new TypeError(`${policy.file}: not a policy`)
  const notes: string[] = []
  const change = (when: boolean, note: string, apply: () => void): void => {
    if (!when) return
    apply()
    notes.push(note)
  }
  change(policy.mode !== 'auto', `Mode ${policy.mode} is rehearsed as auto.`, () => {
    content['mode'] = 'auto'
  })
  const isLocal = policy.senders.every(({ name }) => name === 'local')
  change(!isLocal, 'Sent by the signer itself, not by the senders of the policy.', () => {
    content['senders'] = [{ name: 'local', deadlineS: DEADLINE_S }]
  })
  change(policy.broadcast.mode !== 'public', 'The fork has no private endpoints.', () => {
    delete content['broadcast']
  })
  change(policy.quorum.endpoints > 1, 'The fork is the only endpoint.', () => {
    content['quorum'] = { ...policy.quorum, endpoints: 1 }
  })
  const { simulation } = policy
  const { providers, assertions } = simulation
  const own = providers.filter((provider) => provider !== 'tenderly')
  const simulated = isRecord(content['simulation']) ? { ...content['simulation'] } : {}
  change(own.length < providers.length, 'Tenderly does not know the fork and is left out.', () => {
    simulated['providers'] = own.length > 0 ? own : ['eth_simulateV1', 'debug_traceCall']
  })
  change(
    !hasEvidence && assertions.suspiciousReverts === 'required',
    'There is no suspicious transaction to replay: give one with --tx.',
    () => {
      const given = isRecord(simulated['assertions']) ? simulated['assertions'] : {}
      simulated['assertions'] = { ...given, suspiciousReverts: 'report' }
    },
  )
  content['simulation'] = simulated
  return { text: stringify(content), notes }
}
