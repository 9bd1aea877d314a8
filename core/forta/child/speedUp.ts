import { createRequire } from 'node:module'
import { createEventDecoder, type EventFragment, type Numbers } from './decodeEvent.ts'
import type { Sdk } from './loadAgent.ts'

type Log = {
  readonly address: string
  readonly data: string
  readonly topics: readonly string[]
  readonly logIndex: number
}
type Source = { readonly data: string; readonly value: string; readonly to?: string | null }
type Fragment = EventFragment
type Description = {
  readonly eventFragment: unknown
  readonly name: string
  readonly signature: string
  readonly topic: string
  readonly args: readonly unknown[]
}
type Interface = {
  readonly events: Readonly<Record<string, Fragment>>
  readonly functions: Readonly<Record<string, { readonly format: () => string }>>
  getEventTopic: (fragment: Fragment | string) => string
  getEvent: (topic: string) => Fragment
  readonly getSighash: (fragment: { readonly format: () => string }) => string
  readonly parseLog: (log: Log) => Description
  readonly parseTransaction: (source: Source) => object
}
type Ethers = {
  readonly BigNumber: Numbers
  readonly utils: {
    readonly Interface: new (abi: unknown) => Interface
    readonly getAddress: (text: string) => string
  }
}
type ParseLog = (log: Log) => object
type Compiled = {
  readonly iface: Interface
  /** By topic, in lower case. */
  readonly events: ReadonlyMap<string, ParseLog>
  readonly selectors: ReadonlySet<string>
}
type Transaction = {
  readonly transaction: Source
  readonly traces: readonly {
    readonly action: { readonly input: string; readonly value: string; readonly to?: string }
  }[]
}
type Many = string | readonly string[]
/** Bots hand on the `to` of a transaction, which deployments do not have: then any address will do. */
type Places = Many | null | undefined

/** Interfaces kept; bots have a handful, and one that makes them up for each call must not fill the memory. */
const MOST = 512

const wanted = (addresses: Places): ReadonlySet<string> | undefined =>
  addresses
    ? new Set(
        (typeof addresses === 'string' ? [addresses] : addresses).map((one) => one.toLowerCase()),
      )
    : undefined

const MOST_ADDRESSES = 20_000

/** The checksum of an address costs a hash, and the same addresses come again and again. */
const rememberAddresses = (sdk: Sdk, { utils }: Ethers): ((text: string) => string) => {
  const resolve = (from: string, name: string): string => createRequire(from).resolve(name)
  let file: string
  try {
    const ethers = resolve(sdk.require.resolve('forta-agent'), 'ethers')
    file = resolve(resolve(ethers, '@ethersproject/abi'), '@ethersproject/address')
  } catch {
    return utils.getAddress
  }
  const address = sdk.require(file) as { getAddress: (text: unknown) => string }
  const { getAddress } = address
  const known = new Map<string, string>()
  const checksum = (text: string): string => {
    const found = known.get(text)
    if (found !== undefined) return found
    const made = getAddress(text)
    if (known.size >= MOST_ADDRESSES) known.clear()
    known.set(text, made)
    return made
  }
  address.getAddress = (text) => (typeof text === 'string' ? checksum(text) : getAddress(text))
  return checksum
}

/** An interface that hashes the signature of each event once. */
const rememberTopics = (iface: Interface): ReadonlyMap<string, Fragment> => {
  const topicOf = new Map<Fragment, string>()
  const byTopic = new Map<string, Fragment>()
  for (const fragment of Object.values(iface.events)) {
    const topic = iface.getEventTopic(fragment)
    topicOf.set(fragment, topic)
    if (!byTopic.has(topic)) byTopic.set(topic, fragment)
  }
  const { getEventTopic, getEvent } = iface
  iface.getEventTopic = (fragment) =>
    (typeof fragment === 'string' ? undefined : topicOf.get(fragment)) ??
    getEventTopic.call(iface, fragment)
  iface.getEvent = (topic) => byTopic.get(topic) ?? getEvent.call(iface, topic)
  return byTopic
}

/**
 * How logs of one event are parsed. The first goes through ethers; the next ones share what its description says of the
 * event, which ethers copies for each log and nobody can change, and read their arguments word by word.
 */
const parserOf = (
  fragment: Fragment,
  iface: Interface,
  ethers: { readonly numbers: Numbers; readonly checksum: (text: string) => string },
): ParseLog => {
  const decode = createEventDecoder(fragment, ethers)
  if (!decode) return (log) => iface.parseLog(log)
  let model: Description | undefined
  return (log) => {
    const args = model && decode(log)
    if (model === undefined || args === undefined) {
      const parsed = iface.parseLog(log)
      model ??= parsed
      return parsed
    }
    const { eventFragment, name, signature, topic } = model
    const made: object = Object.create(Object.getPrototypeOf(model) as object)
    return Object.assign(made, { eventFragment, name, signature, topic, args })
  }
}

/**
 * `filterLog` and `filterFunction` build an ethers Interface at each call and find out by a thrown error that a log is
 * of another event. Here each ABI is compiled once, and what cannot match is not tried; the answers are the same.
 */
export const speedUp = (sdk: Sdk): void => {
  // SDKs of the first years answer in other ways, and are left as they are.
  if (sdk.version.startsWith('0.0.')) return
  const utils = sdk.require(`${sdk.dir}/dist/sdk/utils.js`) as {
    filterLog: (logs: readonly Log[], abi: Many, address?: Places) => readonly object[]
  }
  const { TransactionEvent } = sdk.require(`${sdk.dir}/dist/sdk/transaction.event.js`) as {
    readonly TransactionEvent: { readonly prototype: { filterFunction: unknown } }
  }
  const { ethers } = sdk.require('forta-agent') as { readonly ethers: Ethers }
  // Some have these elsewhere.
  if (typeof utils.filterLog !== 'function') return
  const checksum = rememberAddresses(sdk, ethers)
  const tools = { numbers: ethers.BigNumber, checksum }
  const compiled = new Map<string, Compiled>()
  const compile = (abi: Many): Compiled => {
    const list = Array.isArray(abi) ? abi : [abi]
    // Fragments that are no texts may change between calls: these are compiled each time, as ever.
    const key = list.every((one) => typeof one === 'string') ? list.join('\n') : undefined
    const known = key === undefined ? undefined : compiled.get(key)
    if (known) return known
    const iface = new ethers.utils.Interface(list)
    const made = {
      iface,
      events: new Map(
        [...rememberTopics(iface)].map(([topic, fragment]) => [
          topic,
          parserOf(fragment, iface, tools),
        ]),
      ),
      selectors: new Set(Object.values(iface.functions).map((one) => iface.getSighash(one))),
    }
    if (key !== undefined) {
      if (compiled.size >= MOST) compiled.clear()
      compiled.set(key, made)
    }
    return made
  }

  utils.filterLog = (logs, abi, address) => {
    const among = wanted(address)
    const { events } = compile(abi)
    const found: object[] = []
    for (const log of logs) {
      if (among && !among.has(log.address.toLowerCase())) continue
      const [topic] = log.topics
      const parse = topic === undefined ? undefined : events.get(topic.toLowerCase())
      if (parse === undefined) continue
      try {
        const parsed = parse(log)
        found.push(Object.assign(parsed, { address: log.address, logIndex: log.logIndex }))
      } catch {
        // Of this topic and of another shape: the SDK leaves it out as well.
      }
    }
    return found
  }

  TransactionEvent.prototype.filterFunction = function filterFunction(
    this: Transaction,
    abi: Many,
    address?: Places,
  ): readonly object[] {
    const among = wanted(address)
    const { iface, selectors } = compile(abi)
    const sources: readonly Source[] =
      this.traces.length > 0
        ? this.traces.map(({ action }) => ({
            data: action.input,
            value: action.value,
            ...(action.to === undefined ? {} : { to: action.to }),
          }))
        : [this.transaction]
    const found: object[] = []
    for (const source of sources) {
      if (among && !(source.to && among.has(source.to.toLowerCase()))) continue
      if (!selectors.has(source.data?.slice(0, 10).toLowerCase())) continue
      try {
        const parsed = iface.parseTransaction(source)
        found.push(Object.assign(parsed, { address: source.to?.toLowerCase() }))
      } catch {
        // Of this selector and of another shape: the SDK leaves it out as well.
      }
    }
    return found
  }
}
