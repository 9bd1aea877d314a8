import { Socket } from 'node:net'
import { join } from 'node:path'
import { type BlockEvents, createEventMaker, type EventMaker } from './buildEvents.ts'
import { encodeFrame, readFrames } from './frames.ts'
import { serveKeyValues } from './keyValueStore.ts'
import { type Agent, type Handler, loadAgent, loadSdk, type Sdk } from './loadAgent.ts'
import { loadNextBot } from './loadNextBot.ts'
import type {
  AlertMessage,
  BlocksMessage,
  EventMessage,
  FromChild,
  ItemResult,
  StartMessage,
  ToChild,
} from './protocol.ts'
import { catchSentAlerts, type SentAlerts } from './sentAlerts.ts'
import { speedUp } from './speedUp.ts'

/**
 * The process of one hosted bot: loads the bot's own SDK and agent, runs its handlers strictly one after another, and
 * says what came of them. Started by the host; the working directory is the bot's.
 */

/** The socket to the host. */
const HOST_FD = 3
/** As the SDK's own command line allows. */
const MOST_FINDINGS = 1_000
const MOST_BYTES = 10_000 * 1_024
/** How often the host hears that a block goes on (ms). */
const TELL_EVERY_MS = 50

type Loaded = { readonly agent: Agent; readonly sdk: Sdk; readonly makeEvents: EventMaker }
type Bot = Loaded & { readonly generation: 1 | 2 }

const socket = new Socket({ fd: HOST_FD, readable: true, writable: true })
const tell = (message: FromChild): void => {
  socket.write(
    encodeFrame(
      JSON.stringify(message, (_, value: unknown) =>
        typeof value === 'bigint' ? value.toString() : value,
      ),
    ),
  )
}
// Nobody is left to work for.
socket.on('close', () => process.exit(0))
socket.on('error', () => process.exit(0))

const explain = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message).slice(0, 4_000) : String(error)

/** As much of a finding as leaves the process: a copy, since the SDK's own ways of printing change what they print. */
const takeFindings = (returned: unknown): readonly unknown[] => {
  if (!Array.isArray(returned)) throw new Error('it did not return a list of findings')
  if (returned.length > MOST_FINDINGS)
    throw new Error(`it returned ${returned.length} findings; ${MOST_FINDINGS} are allowed`)
  if (returned.length === 0) return returned
  const json = JSON.stringify(returned, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )
  if (Buffer.byteLength(json) > MOST_BYTES) throw new Error('it returned more than 10 MB')
  return JSON.parse(json) as readonly unknown[]
}

let sentAlerts: SentAlerts = { take: () => [] }

const runItem = async (
  item: number,
  handler: Handler,
  makeEvent: () => unknown,
): Promise<ItemResult | undefined> => {
  try {
    const returned = await handler(makeEvent())
    const sent = sentAlerts.take()
    const findings = takeFindings(
      sent.length > 0 && Array.isArray(returned) ? [...returned, ...sent] : returned,
    )
    return findings.length > 0 ? { item, findings } : undefined
  } catch (error) {
    sentAlerts.take()
    return { item, error: explain(error) }
  }
}

const load = async (message: StartMessage): Promise<Loaded> => {
  const { agentPath, chainId, rpcUrl } = message
  serveKeyValues(process.cwd())
  if (message.generation === 2) {
    const onSdk = (sdk: Sdk): void => {
      sentAlerts = catchSentAlerts(sdk, 2)
    }
    return loadNextBot({ mainPath: agentPath, chainId, rpcUrl, onSdk })
  }
  const sdk = loadSdk(agentPath)
  // Bots read there which blocks they are run over.
  process.argv = [process.execPath, join(sdk.dir, 'dist', 'cli', 'index.js'), ...message.argv]
  speedUp(sdk)
  sentAlerts = catchSentAlerts(sdk, 1)
  const agent = await loadAgent(agentPath)
  return { sdk, agent, makeEvents: createEventMaker(sdk, message.compat, chainId, rpcUrl) }
}

const start = async (message: StartMessage): Promise<Bot> => {
  const loaded = await load(message)
  const { agent, sdk } = loaded
  const response: unknown = await agent.initialize?.()
  const alertConfig =
    typeof response === 'object' && response !== null && 'alertConfig' in response
      ? response.alertConfig
      : undefined
  const subscriptions =
    typeof alertConfig === 'object' && alertConfig !== null && 'subscriptions' in alertConfig
      ? alertConfig.subscriptions
      : undefined
  const names = ['handleBlock', 'handleTransaction', 'handleAlert', 'healthCheck'] as const
  tell({
    kind: 'ready',
    handlers: names.filter((name) => typeof agent[name] === 'function'),
    subscriptions: Array.isArray(subscriptions) ? subscriptions : [],
    sdkVersion: sdk.version,
  })
  return { ...loaded, generation: message.generation }
}

const runBlocks = async (bot: Bot, message: BlocksMessage): Promise<void> => {
  const { id, careful } = message
  const { handleBlock, handleTransaction } = bot.agent
  const skip = new Set(message.skip)
  let results: ItemResult[] = []
  let toldMs = performance.now()
  const progress = (item: number): void => {
    tell({ kind: 'progress', id, item, results })
    results = []
    toldMs = performance.now()
  }
  let first = 0
  for (const data of message.data) {
    const start = first
    first += 1 + data.block.transactions.length
    if (first <= message.from) continue
    const events: BlockEvents = await bot.makeEvents(data)
    const end = handleTransaction ? first : start + 1
    for (let item = Math.max(start, message.from); item < end; item++) {
      const handler = item === start ? handleBlock : handleTransaction
      if (handler === undefined || skip.has(item)) continue
      if (careful || performance.now() - toldMs > TELL_EVERY_MS) progress(item)
      const result = await runItem(item, handler, () =>
        item === start ? events.block() : events.transaction(item - start - 1),
      )
      if (result) results.push(result)
    }
  }
  tell({ kind: 'done', id, results })
}

const sdkNameOf = ({ generation }: Bot): string =>
  generation === 1 ? 'forta-agent' : '@fortanetwork/forta-bot'

const runAlert = async (bot: Bot, { id, alert }: AlertMessage): Promise<void> => {
  const { handleAlert } = bot.agent
  const { createAlertEvent, Alert } = bot.sdk.require(sdkNameOf(bot)) as {
    readonly createAlertEvent: (alert: unknown) => unknown
    readonly Alert: { readonly fromObject: (from: unknown) => unknown }
  }
  const result = handleAlert
    ? await runItem(0, handleAlert, () => {
        const made = Alert.fromObject(alert)
        return createAlertEvent(bot.generation === 1 ? { alert: made } : made)
      })
    : undefined
  tell({ kind: 'done', id, results: result ? [result] : [] })
}

/** An event that somebody wrote down, as the SDK's own event where it makes one of it. */
const makeWritten = (bot: Bot, { handler, event }: EventMessage): unknown => {
  if (bot.generation === 2) return event
  const sdk = bot.sdk.require(sdkNameOf(bot)) as {
    readonly createBlockEvent?: (event: unknown) => unknown
    readonly createTransactionEvent?: (event: unknown) => unknown
  }
  const make = handler === 'handleBlock' ? sdk.createBlockEvent : sdk.createTransactionEvent
  return make ? make(event) : event
}

const runEvent = async (bot: Bot, message: EventMessage): Promise<void> => {
  const handler = bot.agent[message.handler]
  const result = handler ? await runItem(0, handler, () => makeWritten(bot, message)) : undefined
  tell({ kind: 'done', id: message.id, results: result ? [result] : [] })
}

const checkHealth = async (bot: Bot, id: number): Promise<void> => {
  let errors: readonly string[]
  try {
    const said: unknown = await bot.agent.healthCheck?.()
    errors = Array.isArray(said) ? said.map(String) : []
  } catch (error) {
    errors = [explain(error)]
  }
  tell({ kind: 'health', id, errors })
}

let running: Promise<Bot | undefined> = Promise.resolve(undefined)
const take = async (bot: Bot | undefined, message: ToChild): Promise<Bot | undefined> => {
  try {
    if (message.kind === 'start') return await start(message)
    if (bot === undefined) return undefined
    if (message.kind === 'blocks') await runBlocks(bot, message)
    if (message.kind === 'alert') await runAlert(bot, message)
    if (message.kind === 'event') await runEvent(bot, message)
    if (message.kind === 'health') await checkHealth(bot, message.id)
    return bot
  } catch (error) {
    tell({ kind: 'failed', error: explain(error) })
    return undefined
  }
}
readFrames(socket, (message) => {
  running = running.then((bot) => take(bot, message as ToChild))
})
