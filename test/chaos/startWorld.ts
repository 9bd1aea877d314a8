import { findFreePort } from '../../core/base/index.ts'
import { type GatedNode, startGatedNode } from '../support/gatedNode.ts'
import { type Stack, startStack } from '../support/stack.ts'
import { startWebhookSink, type WebhookSink } from './webhookSink.ts'

export type World = {
  readonly stack: Stack
  readonly sink: WebhookSink
  /** The only way by which Tocsin reaches the chain over HTTP. */
  readonly gate: GatedNode
  /** What the supervisor said, oldest first. */
  readonly events: readonly string[]
  /** Last lines of each process, for the account of a failure. */
  readonly lines: ReadonlyMap<string, readonly string[]>
  readonly stop: () => Promise<void>
}

/** Base64 of 32 bytes that anybody may know. */
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const SECRET_VARIABLE = 'TOCSIN_CHAOS_WEBHOOK_SECRET'
const KEPT_LINES = 60

/** All processes but the console, on a chain that is the same, hash by hash, in every world with the same `timestampS`. */
export const startWorld = async (options: { readonly timestampS: number }): Promise<World> => {
  const sink = await startWebhookSink(SECRET)
  const events: string[] = []
  const lines = new Map<string, string[]>()
  process.env[SECRET_VARIABLE] = SECRET
  let gate: GatedNode | undefined
  try {
    const indexerPort = await findFreePort()
    const stack = await startStack({
      only: ['watcher', 'notifier', 'signer', 'indexer'],
      users: 12,
      anvil: { timestampS: options.timestampS },
      prepare: async (anvil) => {
        await anvil.rpc('anvil_setBlockTimestampInterval', [1])
        gate = await startGatedNode(anvil.url)
      },
      restartCapMs: 400,
      watchlist: (text, { rpcUrl }) => `${text.replaceAll(rpcUrl, gate?.url ?? '')}
indexer: { port: ${indexerPort} }
channels:
  pager: { kind: webhook, url: '${sink.url}', secret: { env: ${SECRET_VARIABLE} } }
routes:
  - { match: {}, channels: [pager] }
incidents:
  # Every change is told at once and alone, so that two runs can be held against each other whatever their pace.
  groupWaitS: { SEV1: 0, SEV2: 0, SEV3: 0, SEV4: 0 }
  cooldownS: { SEV1: 0, SEV2: 0, SEV3: 0, SEV4: 0 }
  repeatS: { SEV1: 0, SEV2: 0, SEV3: 0, SEV4: 0 }
  addUp: { alerts: 1000 }
  flapping: { transitions: 100, withinS: 0 }
  messagesPerMinute: 100000
  staleMessageS: 86400
`,
      policy: (text) =>
        text
          .replace('maxPerWindow: 1,', 'maxPerWindow: 1000,')
          .replace('maxLifetime: 10 ', 'maxLifetime: 10000 ')
          .replace('cooldownS: 3600', 'cooldownS: 3')
          .replace('0.5 ether', '5000 ether')
          .replace('confirmations: 3', 'confirmations: 1')
          .replace(
            'freshness: { blocks: 10, seconds: 180 }',
            'freshness: { blocks: 100, seconds: 86400 }',
          ),
      onEvent: (event) => events.push(event),
      onLine: (name, line) => {
        const kept = lines.get(name) ?? []
        kept.push(line)
        lines.set(name, kept.slice(-KEPT_LINES))
      },
    })
    if (!gate) throw new Error('no way to the chain')
    const way = gate
    return {
      stack,
      sink,
      gate: way,
      events,
      lines,
      stop: async () => {
        await stack.stop()
        await way.stop()
        await sink.stop()
      },
    }
  } catch (error) {
    await gate?.stop()
    await sink.stop()
    throw error
  }
}
