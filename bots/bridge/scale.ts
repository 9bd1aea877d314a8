import type { BridgeContext, BridgeThing } from './types.ts'

const power = (large: bigint, small: bigint): number | undefined => {
  if (small === 0n || large % small !== 0n) return undefined
  const text = (large / small).toString()
  return /^10+$/.test(text) ? text.length - 1 : undefined
}

/**
 * Whether a release is covered by its lock. Fees make it less; the two sides may count in different decimals, which the
 * first pair that differs by a power of ten shows.
 */
export const isFair = (
  ctx: BridgeContext,
  thing: BridgeThing,
  locked: bigint,
  released: bigint,
): boolean => {
  const key = `scale:${thing.name}`
  const scale = ctx.state.get<number>(key)
  if (scale !== undefined && scale > 0) return released <= locked * 10n ** BigInt(scale)
  if (released <= locked) {
    if (scale === undefined && released === locked) ctx.state.set(key, 0)
    return true
  }
  const found = scale === undefined ? power(released, locked) : undefined
  // Tokens of 6, 8 and 18 decimals differ by so much; nothing less is a matter of decimals.
  if (found === undefined || found < 2) return false
  ctx.state.set(key, found)
  return true
}
