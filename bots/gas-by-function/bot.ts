import {
  type BotBlock,
  type CallTrace,
  defineBot,
  type Finding,
  followCondition,
  hashText,
} from 'tocsin'
import {
  addGas,
  DAY_S,
  isSpike,
  judgeShift,
  type Meter,
  newMeter,
  turnMeter,
  usualGas,
} from './meter.ts'
import { gasByFunctionParameters } from './parameters.ts'
import { type Metered, reportShift, reportSpike } from './report.ts'
import type { GasContext, GasThing } from './types.ts'

/** Functions of one thing that are metered; more are not, so that nobody can fill the state. */
const MAX_FUNCTIONS = 64
const FORGET_S = 28 * DAY_S

const meterKey = (thing: GasThing, key: string): string => `meter:${thing.name}:${key}`

const senderHash = (from: string): string => hashText(from).toString(36)

/** Of too many functions the first that was not called for four weeks makes room. */
const admit = (ctx: GasContext, thing: GasThing, key: string): boolean => {
  const listKey = `functions:${thing.name}`
  const known = ctx.state.get<readonly string[]>(listKey) ?? []
  if (known.length < MAX_FUNCTIONS) {
    ctx.state.set(listKey, [...known, key])
    return true
  }
  const stale = known.find((one) => {
    const meter = ctx.state.get<Meter>(meterKey(thing, one))
    return !meter || ctx.block.timestampS - meter.lastS > FORGET_S
  })
  if (stale === undefined) return false
  ctx.state.delete(meterKey(thing, stale))
  ctx.state.delete(`shift:${thing.name}:${stale}`)
  ctx.state.set(listKey, [...known.filter((one) => one !== stale), key])
  return true
}

/** Calls that ran as the thing's own code and succeeded: what failed says nothing of the work. */
const groupCalls = (
  block: BotBlock,
  thing: GasThing,
): ReadonlyMap<string, { readonly what: Metered; readonly calls: CallTrace[] }> => {
  const groups = new Map<string, { readonly what: Metered; readonly calls: CallTrace[] }>()
  for (const call of block.calls) {
    if (call.to !== thing.address || call.reverted || call.type !== 'CALL') continue
    const isInternal = call.path.length > 0
    const selector = call.input.length >= 10 ? call.input.slice(0, 10).toLowerCase() : '0x'
    const key = isInternal ? `${selector}:internal` : selector
    const group = groups.get(key)
    if (group) group.calls.push(call)
    else groups.set(key, { what: { selector, isInternal }, calls: [call] })
  }
  return groups
}

const examine = (
  ctx: GasContext,
  thing: GasThing,
  key: string,
  what: Metered,
  calls: readonly CallTrace[],
): readonly Finding[] => {
  const nowS = ctx.block.timestampS
  const known = ctx.state.get<Meter>(meterKey(thing, key))
  if (!known && !admit(ctx, thing, key)) return []
  let meter = turnMeter(known ?? newMeter(nowS), nowS)
  const before = usualGas(meter, thing)
  // One call tells of all that a block does to a function.
  const largest = calls.reduce((a, b) => (b.gasUsed > a.gasUsed ? b : a))
  const used = calls.map(({ gasUsed, from }) => [Number(gasUsed), senderHash(from)] as const)
  meter = addGas(meter, used, nowS)
  ctx.state.set(meterKey(thing, key), meter)
  if (!before) return []
  const shift = judgeShift(meter, before, thing)
  const word = followCondition(
    ctx.state,
    `shift:${thing.name}:${key}`,
    shift.standing === 'holds' ? { kind: 'holds', severity: 'Medium' } : { kind: shift.standing },
  )
  return [
    ...(isSpike(Number(largest.gasUsed), before, thing)
      ? [reportSpike(ctx, thing, what, before, largest)]
      : []),
    ...(word ? [reportShift(thing, what, before, shift, word)] : []),
  ]
}

/**
 * Gas of each function of the watched contracts against its own days. Bounded: of each thing 64 functions of at most
 * 2 kB, 130 kB in all, however many calls and blocks there are. Direct calls are metered by their transaction's gas.
 */
export const gasByFunction = defineBot({
  id: 'gas-by-function',
  version: '1.0.0',
  summary: 'Calls of a function use far more gas than that function ever did.',
  parameters: gasByFunctionParameters,
  kinds: ['contract', 'proxy', 'token', 'vault', 'pool', 'lending-market', 'bridge'],
  alerts: [
    {
      id: 'GAS-SHIFT',
      title: 'Function uses more gas than it used to',
      kind: 'condition',
      severity: 'Medium',
    },
    {
      id: 'GAS-SPIKE',
      title: 'Call used far more gas than any before',
      kind: 'event',
      severity: 'Low',
    },
  ],
  needs: ({ things }) => {
    const traced = things.filter(({ parameters }) => parameters.traces === 'whenTouched')
    return {
      calls: things.map(({ address }) => ({ to: address })),
      ...(traced.length > 0
        ? {
            traces: {
              mode: 'whenTouched',
              addresses: traced.map(({ address }) => address),
            } as const,
          }
        : {}),
    }
  },
  handleBlock: (block, ctx) =>
    block.calls.length === 0
      ? []
      : ctx.things.flatMap((thing) =>
          [...groupCalls(block, thing)].flatMap(([key, { what, calls }]) =>
            examine(ctx, thing, key, what, calls),
          ),
        ),
})
