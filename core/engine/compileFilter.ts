import type { Address, Hex } from '../base/index.ts'
import type { CallTrace, ChainBlock, ChainLog, ChainTransaction } from '../chain/types.ts'
import { type BloomBits, bloomBits, bloomMayHold, parseBloom } from './bloom.ts'
import type { CompiledLog, CompiledNeeds } from './checkNeeds.ts'

type LogWish = { readonly bot: number; readonly topics: readonly (ReadonlySet<Hex> | undefined)[] }
type CallWish = { readonly bot: number; readonly selectors: ReadonlySet<Hex> | undefined }

/** What concerns one bot, before calldata and traces are at hand. */
type Draft = { readonly logs: ChainLog[]; readonly transactions: Set<number> }

export type Scan = {
  /** By bot; undefined where nothing matched yet. */
  readonly drafts: readonly (Draft | undefined)[]
  /** Hashes whose calldata is missing and needed. */
  readonly inputs: readonly Hex[]
  /** Indexes of transactions whose target somebody watches. */
  readonly called: readonly number[]
}

/** What concerns one bot. */
export type Matched = {
  readonly logs: readonly ChainLog[]
  readonly transactions: readonly ChainTransaction[]
  readonly calls: readonly CallTrace[]
}

export type Filter = {
  /** False when the header's bloom shows that no receipt of the block can concern any bot. */
  readonly wantsReceipts: (bloom: Hex) => boolean
  /** First pass: logs, senders and targets. A transaction or log that nobody wants costs a hash look-up. */
  readonly scan: (block: ChainBlock) => Scan
  /** Second pass, with calldata filled in and, per bot that may see them, call traces. */
  readonly match: (
    scan: Scan,
    transactions: readonly ChainTransaction[],
    traces: readonly CallTrace[],
    isTraced: (bot: number) => boolean,
  ) => readonly (Matched | undefined)[]
}

const fits = (log: ChainLog, topics: LogWish['topics']): boolean => {
  for (let position = 0; position < topics.length; position++) {
    const wanted = topics[position]
    if (!wanted) continue
    const topic = log.topics[position]
    if (topic === undefined || !wanted.has(topic)) return false
  }
  return true
}

/**
 * Wishes of one address, or of any: found by the most telling topic that they name. A block has thousands of logs, and
 * dozens of wishes for transfers from or to somebody: a log must not be held against each of them.
 */
type WishIndex = {
  /** By place of a topic, then by its value. */
  readonly byTopic: readonly Map<Hex, LogWish[]>[]
  /** Of wishes that name no topic. */
  readonly rest: LogWish[]
}

const newIndex = (): WishIndex => ({
  byTopic: [new Map(), new Map(), new Map(), new Map()],
  rest: [],
})

/** An address or a number tells more than the kind of an event does. */
const addWish = ({ byTopic, rest }: WishIndex, wish: LogWish): void => {
  for (const place of [3, 2, 1, 0]) {
    const wanted = wish.topics[place]
    const index = byTopic[place]
    if (!wanted || !index) continue
    for (const topic of wanted) push(index, topic, wish)
    return
  }
  rest.push(wish)
}

const push = <K, V>(map: Map<K, V[]>, key: K, value: V): void => {
  const list = map.get(key)
  if (list) list.push(value)
  else map.set(key, [value])
}

const bloomTest = (log: CompiledLog): ((bloom: Uint8Array) => boolean) => {
  const groups: (readonly BloomBits[])[] = []
  if (log.addresses) groups.push(log.addresses.map(bloomBits))
  for (const topics of log.topics) if (topics) groups.push(topics.map(bloomBits))
  return (bloom) => groups.every((group) => group.some((bits) => bloomMayHold(bloom, bits)))
}

/** The top-level call of a transaction, as it is known without a trace. */
const topCall = (tx: ChainTransaction): CallTrace => ({
  txHash: tx.hash,
  txIndex: tx.index,
  path: [],
  type: tx.to === null ? 'CREATE' : 'CALL',
  from: tx.from,
  to: tx.to ?? tx.contractAddress,
  input: tx.input ?? '0x',
  output: '0x',
  valueWei: tx.value ?? 0n,
  gasUsed: tx.gasUsed,
  reverted: tx.status === 'reverted',
})

/** Compiles the needs of all bots (by index) into one filter. */
export const compileFilter = (bots: readonly CompiledNeeds[]): Filter => {
  const byAddress = new Map<Address, WishIndex>()
  const anywhere = newIndex()
  /** Kinds of events that wishes without an address name. */
  const kindsAnywhere = new Set<Hex>()
  /** Some wish names neither an address nor a kind of event. */
  let isBroad = false
  const byTarget = new Map<Address, CallWish[]>()
  const bySender = new Map<Address, number[]>()
  const ofCreations: number[] = []
  const blooms: ((bloom: Uint8Array) => boolean)[] = []
  let needsTransactions = false

  for (const [bot, needs] of bots.entries()) {
    for (const log of needs.logs) {
      const topics = log.topics.map((wanted) => wanted && new Set(wanted))
      const wish: LogWish = { bot, topics }
      blooms.push(bloomTest(log))
      if (log.addresses)
        for (const address of log.addresses) {
          const index = byAddress.get(address) ?? newIndex()
          byAddress.set(address, index)
          addWish(index, wish)
        }
      else {
        addWish(anywhere, wish)
        for (const kind of topics[0] ?? []) kindsAnywhere.add(kind)
        isBroad ||= topics[0] === undefined
      }
    }
    for (const { to, selectors } of needs.calls)
      push(byTarget, to, { bot, selectors: selectors && new Set(selectors) })
    for (const sender of needs.senders) push(bySender, sender, bot)
    if (needs.creations) ofCreations.push(bot)
    needsTransactions ||=
      needs.creations ||
      needs.calls.length > 0 ||
      needs.senders.length > 0 ||
      needs.traces !== undefined
  }
  const wantsInputs = bots.map((needs) => needs.inputs)

  const scan = (block: ChainBlock): Scan => {
    const drafts: (Draft | undefined)[] = new Array(bots.length).fill(undefined)
    const draftOf = (bot: number): Draft => {
      let draft = drafts[bot]
      if (!draft) {
        draft = { logs: [], transactions: new Set() }
        drafts[bot] = draft
      }
      return draft
    }
    const inputs: Hex[] = []
    const called: number[] = []
    const take = (wishes: readonly LogWish[], log: ChainLog, place: number): boolean => {
      let wanted = false
      for (const wish of wishes) {
        if (!fits(log, wish.topics)) continue
        const draft = draftOf(wish.bot)
        if (draft.logs.at(-1) !== log) draft.logs.push(log)
        draft.transactions.add(place)
        wanted ||= wantsInputs[wish.bot] ?? false
      }
      return wanted
    }
    const takeAll = (index: WishIndex, log: ChainLog, place: number): boolean => {
      let wanted = index.rest.length > 0 && take(index.rest, log, place)
      const { topics } = log
      for (let at = 0; at < topics.length; at++) {
        const topic = topics[at]
        const wishes = topic === undefined ? undefined : index.byTopic[at]?.get(topic)
        if (wishes && take(wishes, log, place)) wanted = true
      }
      return wanted
    }
    for (let place = 0; place < block.transactions.length; place++) {
      const tx = block.transactions[place]
      if (!tx) continue
      let needsInput = false
      for (const log of tx.logs) {
        const index = byAddress.get(log.address)
        if (index && takeAll(index, log, place)) needsInput = true
        const [kind] = log.topics
        const mayConcern = isBroad || (kind !== undefined && kindsAnywhere.has(kind))
        if (mayConcern && takeAll(anywhere, log, place)) needsInput = true
      }
      const senders = bySender.get(tx.from)
      if (senders) {
        for (const bot of senders) draftOf(bot).transactions.add(place)
        needsInput = true
      }
      if (tx.to === null && tx.status === 'success')
        for (const bot of ofCreations) {
          draftOf(bot).transactions.add(place)
          needsInput ||= wantsInputs[bot] ?? false
        }
      const target = tx.to ?? tx.contractAddress
      if (target !== null && byTarget.has(target)) {
        called.push(place)
        needsInput = true
      }
      if (needsInput && (tx.input === undefined || tx.value === undefined)) inputs.push(tx.hash)
    }
    return { drafts, inputs, called }
  }

  const match: Filter['match'] = (found, transactions, traces, isTraced) => {
    const drafts = [...found.drafts]
    const calls: CallTrace[][] = []
    const add = (bot: number, call: CallTrace, place: number): void => {
      const draft = drafts[bot] ?? { logs: [], transactions: new Set<number>() }
      drafts[bot] = draft
      draft.transactions.add(place)
      const list = calls[bot] ?? []
      calls[bot] = list
      if (list.at(-1) !== call) list.push(call)
    }
    const places = new Map(
      traces.length > 0 ? transactions.map((tx, place) => [tx.hash, place]) : [],
    )
    const tracedHashes = new Set(traces.map((call) => call.txHash))
    const judge = (call: CallTrace, place: number, allows: (bot: number) => boolean): void => {
      const wishes = call.to === null ? undefined : byTarget.get(call.to)
      if (!wishes) return
      const selector = call.input.slice(0, 10).toLowerCase() as Hex
      for (const { bot, selectors } of wishes)
        if (allows(bot) && (!selectors || selectors.has(selector))) add(bot, call, place)
    }
    // Bots with and without traces see the same top-level calls; the former see the traced form of them.
    for (const place of found.called) {
      const tx = transactions[place]
      if (tx) judge(topCall(tx), place, (bot) => !isTraced(bot) || !tracedHashes.has(tx.hash))
    }
    for (const call of traces) {
      const place = places.get(call.txHash)
      if (place !== undefined) judge(call, place, isTraced)
    }
    return drafts.map((draft, bot): Matched | undefined => {
      if (!draft) return undefined
      const order = [...draft.transactions].sort((a, b) => a - b)
      const own = calls[bot] ?? []
      return {
        logs: draft.logs,
        transactions: order.flatMap((place) => transactions[place] ?? []),
        calls: tracedHashes.size > 0 ? [...own].sort((a, b) => a.txIndex - b.txIndex) : own,
      }
    })
  }

  return {
    wantsReceipts: (header) => {
      if (needsTransactions || isBroad) return true
      const bloom = parseBloom(header)
      return bloom === undefined || blooms.some((test) => test(bloom))
    },
    scan,
    match,
  }
}
