import type { Finding, FindingSeverity } from 'tocsin'
import type { Flow } from './readFlow.ts'
import { report, type Supply, showPart } from './report.ts'
import { BPS, type MintContext, type MintThing, partOf } from './types.ts'
import { askWitnesses, type Testimony } from './witnesses.ts'

/** Steps that no event explained, so far: how many, up to 1,000, and the largest (millionths). */
type Drift = { readonly steps: number; readonly largest: number }

const HABIT_STEPS = 3
const HABIT_FACTOR = 3

const keepDrift = (ctx: MintContext, thing: MintThing, drift: Drift, size: number): void => {
  if (drift.steps >= HABIT_STEPS && size <= drift.largest) return
  ctx.state.set(`drift:${thing.name}`, {
    steps: Math.min(1_000, drift.steps + 1),
    largest: Math.max(drift.largest, size),
  })
}

/** Holders decide; without any, the token's own event or its habit does. */
const isRebase = (
  testimony: Testimony,
  flow: Flow | undefined,
  { steps, largest }: Drift,
  size: number,
): boolean => {
  if (testimony !== 'none') return testimony === 'rebase'
  return flow?.isRebase === true || (steps >= HABIT_STEPS && size <= largest * HABIT_FACTOR)
}

const gradeSilent = (
  isGrowth: boolean,
  isLarge: boolean,
  testimony: Testimony,
): FindingSeverity => {
  const isSecret = testimony === 'untouched'
  if (!isGrowth) return isLarge && isSecret ? 'High' : 'Low'
  if (isLarge) return 'Critical'
  return isSecret ? 'High' : 'Low'
}

/**
 * A change of the supply that no event explains. Holders are asked first: when their balances moved alike it is a
 * rebase; when they did not, somebody made or destroyed units in secret. Without holders the token's own habit decides.
 */
export const judgeSilent = async (
  ctx: MintContext,
  thing: MintThing,
  supply: Supply,
  silent: bigint,
  flow: Flow | undefined,
): Promise<readonly Finding[]> => {
  const { silentBps, silentPageBps } = thing.parameters
  const isGrowth = silent > 0n
  const size = partOf(isGrowth ? silent : -silent, supply.before)
  if (size === 0) return []
  const drift = ctx.state.get<Drift>(`drift:${thing.name}`) ?? { steps: 0, largest: 0 }
  if (size <= silentBps * BPS) {
    keepDrift(ctx, thing, drift, size)
    return []
  }
  const busy = new Set([...(flow?.mints ?? []), ...(flow?.burns ?? [])].map(({ holder }) => holder))
  const testimony = await askWitnesses(
    ctx,
    thing,
    { before: supply.before, after: supply.before + silent },
    busy,
  )
  if (isRebase(testimony, flow, drift, size)) {
    keepDrift(ctx, thing, drift, size)
    return []
  }
  const isLarge = size > silentPageBps * BPS
  if (testimony === 'none' && !isLarge) keepDrift(ctx, thing, drift, size)
  const severity = gradeSilent(isGrowth, isLarge, testimony)
  const holders = {
    untouched: 'Balances of known holders stayed as they were, so it is no rebase.',
    none: 'No holder is known whose balance would tell a rebase from a mint.',
    rebase: '',
  }[testimony]
  return [
    await report(ctx, thing, {
      alertId: isGrowth ? 'SILENT-MINT' : 'BURN-ANOMALY',
      severity,
      what: `${showPart(size)} of the supply ${isGrowth ? 'came' : 'went'} without any event. ${holders}`,
      supply,
      metadata: {
        silentUnits: silent.toString(),
        partBps: String(Math.floor(size / BPS)),
        thresholdBps: String(testimony === 'untouched' ? silentBps : silentPageBps),
        holders: testimony,
      },
      uniqueKey: `${thing.name}:silent`,
    }),
  ]
}
