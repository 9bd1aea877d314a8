import { bpsOf, exceedsBps } from 'tocsin'
import type { Holder } from './holders.ts'
import type { WhaleWatchParameters } from './parameters.ts'

export type HolderVerdict = {
  readonly direction: 'in' | 'out'
  readonly units: bigint
  /** Of the holding (out) or of the supply (in). */
  readonly shareBps: number
  readonly before: bigint
  readonly after: bigint
}

/**
 * Takes up a holder's new balance. `before` is what it held before this block. A span begins with the first move after
 * the last one ended, so what comes and goes within it cancels out.
 */
export const followHolder = (
  known: Holder | undefined,
  now: { readonly balance: bigint; readonly before: bigint; readonly timestampS: number },
  address: Holder['address'],
  supply: bigint,
  parameters: WhaleWatchParameters,
): { readonly holder: Holder; readonly verdict: HolderVerdict | undefined } => {
  const isFresh = !known || now.timestampS - known.baseAtS >= parameters.windowS
  const span: Holder = isFresh
    ? {
        address,
        balance: now.before,
        base: now.before,
        baseAtS: now.timestampS,
        outLevel: 0,
        inLevel: 0,
      }
    : known
  const holder = { ...span, balance: now.balance }
  const { base } = span
  const lost = base - now.balance
  const gained = now.balance - base
  const isOut =
    lost * 10_000n >= supply * BigInt(parameters.minOutBps) &&
    exceedsBps(lost, base, parameters.outBps)
  if (isOut) {
    const shareBps = Number(bpsOf(lost, base))
    const level = Math.floor(shareBps / parameters.outBps)
    if (level <= span.outLevel) return { holder, verdict: undefined }
    return {
      holder: { ...holder, outLevel: level },
      verdict: { direction: 'out', units: lost, shareBps, before: base, after: now.balance },
    }
  }
  if (gained > 0n && gained * 10_000n >= supply * BigInt(parameters.inBps)) {
    const shareBps = Number(bpsOf(gained, supply))
    const level = Math.floor(shareBps / parameters.inBps)
    // Told when it is twice as much as the last time: somebody who gathers is no news at every step.
    if (span.inLevel > 0 && level < 2 * span.inLevel) return { holder, verdict: undefined }
    return {
      holder: { ...holder, inLevel: level },
      verdict: { direction: 'in', units: gained, shareBps, before: base, after: now.balance },
    }
  }
  return { holder, verdict: undefined }
}
