import type { MintContext, MintThing } from './types.ts'

const DAY_S = 86_400
const KEPT_DAYS = 30

/** Day, largest growth of a block and of a window in it, both in millionths of the supply. */
type Days = readonly (readonly [day: number, block: number, window: number])[]

const keyOf = (thing: MintThing): string => `habit:${thing.name}`

/** The largest growth of the last 30 days. Today does not count: an attack is not the habit of its second half. */
export const habitOf = (
  ctx: MintContext,
  thing: MintThing,
): { readonly block: number; readonly window: number } => {
  const today = Math.floor(ctx.block.timestampS / DAY_S)
  const past = (ctx.state.get<Days>(keyOf(thing)) ?? []).filter(
    ([day]) => day < today && day >= today - KEPT_DAYS,
  )
  return {
    block: Math.max(0, ...past.map(([, block]) => block)),
    window: Math.max(0, ...past.map(([, , window]) => window)),
  }
}

/** Keeps at most 31 days of three numbers for each thing; written only when a day's largest grows. */
export const keepHabit = (
  ctx: MintContext,
  thing: MintThing,
  grown: { readonly block: number; readonly window: number },
): void => {
  const today = Math.floor(ctx.block.timestampS / DAY_S)
  const days = ctx.state.get<Days>(keyOf(thing)) ?? []
  const [, block = 0, window = 0] = days.find(([day]) => day === today) ?? []
  if (grown.block <= block && grown.window <= window) return
  const rest = days.filter(([day]) => day !== today && day >= today - KEPT_DAYS)
  ctx.state.set(keyOf(thing), [
    ...rest,
    [today, Math.max(block, grown.block), Math.max(window, grown.window)],
  ])
}
