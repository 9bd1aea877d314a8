import { createHash } from 'node:crypto'
import type { Sdk } from './loadAgent.ts'

type Sent = { readonly finding?: unknown }

/**
 * Findings that a bot hands to the SDK's `sendAlerts` instead of returning them: they are of the item that is being
 * handled, and are committed with its block.
 */
export type SentAlerts = {
  /** What was sent since the last look. */
  readonly take: () => readonly unknown[]
}

export const catchSentAlerts = (sdk: Sdk, generation: 1 | 2): SentAlerts => {
  let sent: unknown[] = []
  const catchAll = async (input: Sent | readonly Sent[]): Promise<readonly object[]> => {
    const all = (Array.isArray(input) ? input : [input]) as readonly Sent[]
    for (const { finding } of all) sent.push(finding)
    return all.map(({ finding }) => ({
      alertHash: `0x${createHash('sha256').update(JSON.stringify(finding)).digest('hex')}`,
    }))
  }
  const owner = generation === 1 ? `${sdk.dir}/dist/sdk/alerts.api.js` : '@fortanetwork/forta-bot'
  try {
    ;(sdk.require(owner) as Record<string, unknown>)['sendAlerts'] = catchAll
  } catch {
    // An SDK so old that it cannot send.
  }
  return {
    take: () => {
      const taken = sent
      sent = []
      return taken
    },
  }
}
