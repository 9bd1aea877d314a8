import type { AbiFunction, AbiParameter } from 'viem'
import { encodeAbiParameters, encodeFunctionData } from 'viem/utils'
import { type Address, type Hex, messageOf, TocsinError } from '../base/index.ts'
import { indexAbi, selectorOf } from './abiIndex.ts'
import { type CompiledAlert, compileAlert } from './alertNeeds.ts'
import { decodeWords } from './decodeWords.ts'
import type { Needs, ReadNeed } from './types.ts'

/** A read that is ready to be asked for: equal `id`s are one question. */
export type CompiledRead = {
  readonly key: string
  readonly id: string
  readonly address: Address
} & (
  | { readonly kind: 'call'; readonly data: Hex; readonly decode: (data: Hex) => unknown }
  | { readonly kind: 'storage'; readonly slot: Hex }
  | { readonly kind: 'balance' }
)

export type CompiledLog = {
  /** Undefined: every contract. */
  readonly addresses: readonly Address[] | undefined
  /** Per place the topics that fit; undefined where anything does. */
  readonly topics: readonly (readonly Hex[] | undefined)[]
}

/** Needs of one bot, judged and in lower case. */
export type CompiledNeeds = {
  readonly logs: readonly CompiledLog[]
  readonly calls: readonly {
    readonly to: Address
    readonly selectors: readonly Hex[] | undefined
  }[]
  readonly senders: readonly Address[]
  readonly creations: boolean
  readonly everyBlock: boolean
  readonly inputs: boolean
  readonly traces:
    | { readonly mode: 'whenTouched' | 'always'; readonly addresses: readonly Address[] }
    | undefined
  readonly reads: readonly CompiledRead[]
  readonly alerts: readonly CompiledAlert[]
}

const isHexOf = (value: unknown, bytes: number): value is Hex =>
  typeof value === 'string' && value.length === 2 + 2 * bytes && /^0x[0-9a-f]*$/i.test(value)

const lower = (value: Hex): Hex => value.toLowerCase() as Hex

/** How a function is asked and answered, whatever its arguments. */
const outputsOf = (
  functionName: string,
  item: AbiFunction | undefined,
): readonly AbiParameter[] => {
  const outputs = item?.outputs ?? []
  if (outputs.length === 0) throw new Error(`the function "${functionName}" returns nothing`)
  return outputs
}
const answerOf =
  (outputs: readonly AbiParameter[]) =>
  (data: Hex): unknown => {
    const values = decodeWords(outputs, data)
    return values.length > 1 ? values : values[0]
  }

/** How one function of an ABI is asked and answered. Throws when name and arguments do not fit the ABI. */
export const compileCall = (request: {
  readonly abi: Extract<ReadNeed, { kind: 'call' }>['abi']
  readonly functionName: string
  readonly args?: readonly unknown[] | undefined
}): { readonly data: Hex; readonly decode: (data: Hex) => unknown } => {
  const { abi, functionName } = request
  const args = request.args ?? []
  const { byName, functions } = indexAbi(abi)
  const known = byName.get(functionName) ?? []
  const [only, other] = known
  if (!only) throw new Error(`the ABI has no function "${functionName}"`)
  if (!other) {
    const decode = answerOf(outputsOf(functionName, only))
    const selector = selectorOf(only)
    if (only.inputs.length === 0 && args.length === 0) return { data: selector, decode }
    return { data: `${selector}${encodeAbiParameters(only.inputs, args).slice(2)}`, decode }
  }
  const data = encodeFunctionData({ abi, functionName, args })
  // Overloads are told apart by the selector; the answer is decoded by that very one.
  const exact = functions.get(data.slice(0, 10) as Hex)
  return { data, decode: answerOf(outputsOf(functionName, exact)) }
}

/**
 * Judges what a bot declared. An empty list of addresses matches nothing (never everything).
 * @throws TocsinError `bot.needs_invalid` naming the bot, the place and what is wrong
 */
export const checkNeeds = (botId: string, needs: Needs): CompiledNeeds => {
  const fail = (place: string, problem: string): never => {
    throw new TocsinError(
      'bot.needs_invalid',
      `Bot "${botId}" declares wrong needs: ${place}: ${problem}.`,
      {
        hints: ['Mend `needs` of the bot, or the entry of the watchlist that it comes from.'],
        exitCode: 2,
      },
    )
  }
  const address = (value: unknown, place: string): Address =>
    isHexOf(value, 20)
      ? lower(value)
      : fail(place, `${JSON.stringify(value) ?? 'nothing'} is not an address`)
  const topic = (value: unknown, place: string): Hex =>
    isHexOf(value, 32)
      ? lower(value)
      : fail(place, `${JSON.stringify(value) ?? 'nothing'} is not a topic of 32 bytes`)
  const unique = (values: readonly Hex[]): readonly Hex[] => [...new Set(values)]
  const list = <T>(value: T | readonly T[]): readonly T[] =>
    Array.isArray(value) ? value : [value as T]

  const logs = (needs.logs ?? []).map((need, index): CompiledLog => {
    const place = `logs[${index}]`
    const topics = (need.topics ?? []).map((wanted, position) => {
      if (wanted === null || wanted === undefined) return undefined
      const all = list<Hex>(wanted).map((one) => topic(one, `${place}.topics[${position}]`))
      return all.length > 0
        ? unique(all)
        : fail(`${place}.topics[${position}]`, 'the list is empty')
    })
    if (topics.length > 4) fail(`${place}.topics`, 'a log has four topics at most')
    const isBroad = need.address === undefined && topics.every((wanted) => wanted === undefined)
    if (isBroad) fail(place, 'it names neither an address nor a topic')
    const addresses =
      need.address === undefined
        ? undefined
        : unique(list<Address>(need.address).map((one) => address(one, `${place}.address`)))
    return { addresses, topics }
  })

  const calls = (needs.calls ?? []).map((need, index) => {
    const selectors = need.selectors?.map((selector) =>
      isHexOf(selector, 4)
        ? lower(selector)
        : fail(
            `calls[${index}].selectors`,
            `${JSON.stringify(selector)} is not a selector of 4 bytes`,
          ),
    )
    if (selectors?.length === 0) fail(`calls[${index}].selectors`, 'the list is empty')
    return { to: address(need.to, `calls[${index}].to`), selectors: selectors && unique(selectors) }
  })

  const keys = new Set<string>()
  const reads = (needs.reads ?? []).map((need, index): CompiledRead => {
    const place = `reads[${index}] "${need.key}"`
    if (keys.has(need.key)) fail(place, 'two reads share this key')
    keys.add(need.key)
    const at = address(need.address, place)
    const base = { key: need.key, address: at }
    if (need.kind === 'balance') return { ...base, kind: 'balance', id: `b:${at}` }
    if (need.kind === 'storage') {
      const slot = isHexOf(need.slot, 32) ? lower(need.slot) : fail(place, 'a slot has 32 bytes')
      return { ...base, kind: 'storage', slot, id: `s:${at}:${slot}` }
    }
    try {
      const { data, decode } = compileCall(need)
      return { ...base, kind: 'call', data, decode, id: `c:${at}:${data}` }
    } catch (error) {
      return fail(
        place,
        messageOf(error).split('\n')[0]?.replace(/\.$/, '') ?? 'it does not fit the ABI',
      )
    }
  })

  const alerts = (needs.alerts ?? []).map((need, index) =>
    compileAlert(need, (problem) => fail(`alerts[${index}]`, problem)),
  )

  const { traces } = needs
  if (traces && traces.mode !== 'always' && traces.mode !== 'whenTouched')
    fail('traces.mode', `${JSON.stringify(traces.mode)} is neither "always" nor "whenTouched"`)
  const compiled: CompiledNeeds = {
    logs: logs.filter(({ addresses }) => addresses === undefined || addresses.length > 0),
    calls,
    senders: unique((needs.senders ?? []).map((one, index) => address(one, `senders[${index}]`))),
    creations: needs.creations ?? false,
    everyBlock: needs.everyBlock ?? false,
    inputs: needs.inputs ?? false,
    traces: traces && {
      mode: traces.mode,
      addresses: unique(
        traces.addresses.map((one, index) => address(one, `traces.addresses[${index}]`)),
      ),
    },
    reads,
    alerts,
  }
  const wakes =
    compiled.logs.length + compiled.calls.length + compiled.senders.length + alerts.length
  // `{}` is said on purpose, by a bot that needs several kinds of thing and has but one of them.
  const isAsleep = Object.keys(needs).length === 0
  if (wakes === 0 && !compiled.everyBlock && !compiled.creations && !isAsleep)
    fail('needs', 'nothing would ever wake this bot')
  return compiled
}
