import type { Address, Hex, ProbeContext } from 'tocsin'
import { encodeFunctionData, parseAbi } from 'viem/utils'
import { z } from 'zod'
import { FALSE, TRUE } from '../words.ts'

const abi = parseAbi([
  'function isSupplyPaused() view returns (bool)',
  'function isTransferPaused() view returns (bool)',
  'function isWithdrawPaused() view returns (bool)',
  'function isAbsorbPaused() view returns (bool)',
  'function isBuyPaused() view returns (bool)',
])
/** In the order of the arguments of a market's `pause`. */
const FLAGS = ['supply', 'transfer', 'withdraw', 'absorb', 'buy'] as const
const GETTERS = [
  'isSupplyPaused',
  'isTransferPaused',
  'isWithdrawPaused',
  'isAbsorbPaused',
  'isBuyPaused',
] as const

/** The five pause flags of a Compound v3 market, each raised or not. */
export type Flags = readonly [boolean, boolean, boolean, boolean, boolean]

/** The flags of a policy, as its parameters name them. */
export const flagsParameter = z
  .array(z.enum(FLAGS))
  .min(1)
  .refine((flags) => new Set(flags).size === flags.length, 'each flag once')

export const toFlags = (raised: (index: number) => boolean): Flags => [
  raised(0),
  raised(1),
  raised(2),
  raised(3),
  raised(4),
]

export const namedFlags = (names: z.infer<typeof flagsParameter>): Flags =>
  toFlags((index) => names.some((name) => name === FLAGS[index]))

const encodeGetters = (): readonly Hex[] =>
  GETTERS.map((functionName) => encodeFunctionData({ abi, functionName }))

/** What stands raised; undefined when one of the flags cannot be read. */
export const readFlags = async (
  { call }: Pick<ProbeContext, 'call'>,
  comet: Address,
): Promise<Flags | undefined> => {
  const answers = await Promise.all(encodeGetters().map((data) => call(comet, data)))
  const isRead = answers.every(({ ok, data }) => ok && (data === TRUE || data === FALSE))
  return isRead ? toFlags((index) => answers[index]?.data === TRUE) : undefined
}

/** The reads by which the effect is seen: one for each flag that is wanted. */
export const flagCalls = (
  comet: Address,
  wanted: Flags,
): readonly { readonly to: Address; readonly data: Hex }[] =>
  encodeGetters().flatMap((data, index) => (wanted[index] ? [{ to: comet, data }] : []))

export const areRaised = (words: readonly Hex[], wanted: Flags): boolean =>
  words.length === wanted.filter(Boolean).length && words.every((word) => word === TRUE)
