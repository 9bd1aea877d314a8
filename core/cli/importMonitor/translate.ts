import type { Abi, AbiEvent, AbiFunction } from 'viem'
import { toEventSignature, toFunctionSignature } from 'viem/utils'
import { stringify } from 'yaml'
import { messageOf } from '../../base/index.ts'
import { type MonitorConditions, parseExpression } from '../../engine/light.ts'
import { declarationOf } from './declaration.ts'
import type { Monitor, MonitorFolder, Network } from './readFolder.ts'
import { kebab, secretRef, type Tell, translateTrigger, variable } from './translateTrigger.ts'

export type Translation = {
  /** Text by path, from the folder of the watchlist. */
  readonly files: Readonly<Record<string, string>>
  readonly monitors: number
  readonly bots: readonly string[]
  /** What was not taken over, or not as it was. */
  readonly left: readonly string[]
}

type Thing = {
  readonly kind: 'contract'
  readonly name: string
  readonly chain: string
  readonly address: string
}

const chainOf = (network: Network, tell: Tell): Readonly<Record<string, unknown>> => {
  const what = `network ${network.slug}`
  const rpc = network.rpc_urls.toSorted((a, b) => b.weight - a.weight)
  if (rpc.length > 8) tell(`${what}: only the 8 endpoints of most weight were taken.`)
  if ((network.confirmation_blocks ?? 0) > 0)
    tell(
      `${what}: it waited for ${network.confirmation_blocks} confirmations; Tocsin tells at the head and takes back what a reorg removes.`,
    )
  return {
    id: network.chain_id,
    rpc: rpc.slice(0, 8).map(({ url }, index) => {
      const plain =
        typeof url === 'string' ? url : url.type.toLowerCase() === 'plain' ? url.value : ''
      if (
        typeof plain === 'string' &&
        /^https?:\/\/(localhost|127\.0\.0\.1)(:\d+)?\/?$/.test(plain)
      )
        return { http: plain }
      return {
        http: secretRef(url, variable('OZM', network.slug, 'RPC', String(index + 1)), what, tell),
      }
    }),
    ...(network.block_time_ms
      ? { blockTimeMs: Math.min(600_000, Math.max(50, Math.round(network.block_time_ms))) }
      : {}),
  }
}

const abiOf = (monitor: Monitor): Abi =>
  monitor.addresses.flatMap(({ contract_spec, abi }): Abi => {
    const found = contract_spec ?? abi
    return Array.isArray(found) ? (found as Abi) : []
  })

const signatureOf = (item: Abi[number]): string | undefined => {
  try {
    if (item.type === 'event') return toEventSignature(item as AbiEvent)
    return item.type === 'function' ? toFunctionSignature(item as AbiFunction) : undefined
  } catch {
    // An entry that is no ABI is of no use.
    return undefined
  }
}

const spaceless = (text: string): string => text.replaceAll(' ', '')

type Conditions = Monitor['match_conditions']

const translateSigned = (
  kind: 'event' | 'function',
  list: Conditions['events'],
  abi: Abi,
  tell: Tell,
): NonNullable<MonitorConditions['events']> =>
  list.flatMap(({ signature, expression }) => {
    const item = abi.find((one) => one.type === kind && signatureOf(one) === spaceless(signature))
    const declaration = declarationOf(kind, spaceless(signature), item)
    if (declaration === undefined) {
      tell(`${kind} ${signature}: it cannot be decoded; it was left out.`)
      return []
    }
    if (kind === 'event' && !item)
      tell(
        `event ${signature}: the ABI does not have it, so which of its arguments are indexed is not known; none is taken to be.`,
      )
    try {
      if (expression !== undefined) parseExpression(expression)
    } catch (error) {
      tell(`${kind} ${signature}: ${messageOf(error)} It was left out.`)
      return []
    }
    return [{ signature, declaration, ...(expression ? { expression } : {}) }]
  })

/** Fields of transactions that the engine has for every block. */
const FIELDS = /^(hash|from|to|value|input|gas_used|gas_price|transaction_index)$/

const translateTransactions = (
  list: Conditions['transactions'],
  tell: Tell,
): NonNullable<MonitorConditions['transactions']> =>
  list.flatMap(({ status, expression }) => {
    if (expression === undefined || expression.trim() === '') return [{ status }]
    const names = [
      ...expression.matchAll(/([A-Za-z_]\w*)\s*(?:[<>=!]|starts_with|ends_with|contains)/g),
    ]
    const unknown = names.map(([, name = '']) => name).filter((name) => !FIELDS.test(name))
    try {
      parseExpression(expression)
    } catch (error) {
      tell(`transaction ${status}: ${messageOf(error)} It was left out.`)
      return []
    }
    if (unknown.length > 0) {
      tell(`transaction ${status}: ${unknown.join(', ')} is not at hand here; it was left out.`)
      return []
    }
    return [{ status, expression }]
  })

const hasScripts = ({ trigger_conditions: conditions }: Monitor): boolean =>
  Array.isArray(conditions) ? conditions.length > 0 : conditions !== undefined

/** Conditions that were there and could not be taken would make the bot find more, or something else: then there is none. */
const isWhole = (before: Conditions, after: MonitorConditions): boolean =>
  before.transactions.length === (after.transactions ?? []).length &&
  (before.events.length + before.functions.length === 0 ||
    (after.events ?? []).length + (after.functions ?? []).length > 0)

const botFile = (options: {
  readonly id: string
  readonly monitor: Monitor
  readonly things: readonly string[]
  readonly match: MonitorConditions
}): string => {
  const { id, monitor, things, match } = options
  const definition = {
    id,
    alertId: id.toUpperCase(),
    title: monitor.name,
    severity: 'Medium',
    things,
    match,
  }
  return `import { defineMonitorBot } from 'tocsin'\n\nexport const bot = defineMonitorBot(${JSON.stringify(definition, null, 2)})\n`
}

const testFile = (
  things: readonly Thing[],
): string => `import { createBotHarness } from 'tocsin/testing'
import { expect, test } from 'vitest'
import { bot } from './bot.ts'

const things = ${JSON.stringify(
  things.map(({ kind, name, address }) => ({ kind, name, address })),
  null,
  2,
)} as const

test('behavior: it asks for something, and an empty block is silent', async () => {
  const harness = await createBotHarness(bot, { things })
  expect(Object.keys(harness.needs).length).toBeGreaterThan(0)
  expect(await harness.block({})).toEqual([])
  await harness.stop()
})
`

const ADDRESS = /^0x[0-9a-fA-F]{40}$/

/** A watchlist and bots from a configuration of OpenZeppelin Monitor; what has no like here is told, one by one. */
export const translate = (folder: MonitorFolder, name: string): Translation => {
  const left = [...folder.faults]
  const tell: Tell = (text) => void (left.includes(text) || left.push(text))
  const chains: Record<string, unknown> = {}
  const things = new Map<string, Thing>()
  const channels: Record<string, unknown> = { console: { kind: 'console' } }
  const routes: unknown[] = []
  const bots: Record<string, unknown> = {}
  const files: Record<string, string> = {}

  const networksOf = (monitor: Monitor, note: Tell): readonly Network[] =>
    monitor.networks.flatMap((slug) => {
      const network = folder.networks.get(slug)
      if (!network) note(`there is no file of the network ${slug}.`)
      else if (network.network_type.toUpperCase() !== 'EVM')
        note(`the network ${slug} is of ${network.network_type}; only EVM is watched here.`)
      else if (!network.chain_id) note(`the network ${slug} names no chain_id.`)
      else if (network.rpc_urls.length === 0) note(`the network ${slug} names no endpoint.`)
      else return [network]
      return []
    })

  const thingsOf = (monitor: Monitor, networks: readonly Network[], note: Tell) =>
    monitor.addresses.flatMap(({ address }) => {
      if (!ADDRESS.test(address)) {
        note(`${address} is no address.`)
        return []
      }
      return networks.map((network): Thing => {
        const chain = kebab(network.slug)
        chains[chain] ??= chainOf(network, tell)
        const key = `${chain} ${address.toLowerCase()}`
        const thing: Thing = things.get(key) ?? {
          kind: 'contract',
          name: `${chain}-${address.slice(2, 10).toLowerCase()}-${things.size + 1}`,
          chain,
          address: address.toLowerCase(),
        }
        things.set(key, thing)
        return thing
      })
    })

  const channelsOf = (monitor: Monitor, note: Tell): readonly string[] =>
    monitor.triggers.flatMap((id) => {
      const trigger = folder.triggers.get(id)
      if (!trigger) {
        note(`there is no trigger ${id}.`)
        return []
      }
      const channel = kebab(id)
      channels[channel] ??= translateTrigger(id, trigger, tell)
      return channels[channel] ? [channel] : []
    })

  for (const { file, monitor } of folder.monitors) {
    const note: Tell = (text) => tell(`${file}: ${text}`)
    const networks = networksOf(monitor, note)
    if (monitor.addresses.length === 0) note('it names no address; a bot here watches contracts.')
    if (hasScripts(monitor))
      note('its filter scripts are not run: the bot tells what the scripts would have dropped.')
    const abi = abiOf(monitor)
    const { events, functions, transactions } = monitor.match_conditions
    const match: MonitorConditions = {
      events: translateSigned('event', events, abi, note),
      functions: translateSigned('function', functions, abi, note),
      transactions: translateTransactions(transactions, note),
    }
    if (!isWhole(monitor.match_conditions, match)) {
      note('without what was left out it would find something else: it has no bot.')
      continue
    }
    const own = thingsOf(monitor, networks, note)
    if (own.length === 0) {
      note('nothing of it can be watched here: it has no bot.')
      continue
    }
    let id = `ozm-${kebab(monitor.name)}`
    while (id in bots) id = `${id}-2`
    bots[id] = monitor.paused ? { enabled: false } : {}
    files[`bots/${id}/bot.ts`] = botFile({ id, monitor, match, things: own.map((one) => one.name) })
    files[`bots/${id}/bot.test.ts`] = testFile(own)
    const to = channelsOf(monitor, note)
    routes.push({ match: { bot: [id] }, channels: to.length > 0 ? to : ['console'] })
  }
  routes.push({ channels: ['console'] })
  for (const key of Object.keys(channels)) if (channels[key] === undefined) delete channels[key]
  const watchlist = {
    version: 1,
    name: kebab(name),
    chains,
    watch: [...things.values()],
    bots,
    botsDir: 'bots',
    channels,
    routes,
    // Monitors keep no index; switch it on to have one.
    indexer: { enabled: false },
  }
  files['watchlist.yaml'] = stringify(watchlist, { lineWidth: 100 })
  return { files, monitors: folder.monitors.length, bots: Object.keys(bots), left }
}
