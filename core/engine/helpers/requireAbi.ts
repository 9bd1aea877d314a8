import { toEventSignature, toFunctionSignature } from 'viem/utils'
import { TocsinError } from '../../base/index.ts'
import type { WatchedThing } from '../../config/types.ts'

const normal = (signature: string): string => {
  try {
    return toFunctionSignature(`function ${signature}`)
  } catch {
    return signature
  }
}

/**
 * Checks that the ABI which the watchlist names for a thing has the events and functions that a bot counts on; does
 * nothing for a thing without ABI. Wanted by name (`Transfer`) or by signature (`setFee(uint256)`).
 * @throws TocsinError `bot.abi_mismatch` naming the thing, what is missing, and what there is
 */
export const requireAbi = (
  botId: string,
  thing: WatchedThing,
  wanted: { readonly events?: readonly string[]; readonly functions?: readonly string[] },
): void => {
  const { abi } = thing
  if (abi === undefined) return
  const events = abi.flatMap((item) => (item.type === 'event' ? [toEventSignature(item)] : []))
  const functions = abi.flatMap((item) =>
    item.type === 'function' ? [toFunctionSignature(item)] : [],
  )
  const check = (kind: 'event' | 'function', want: string, known: readonly string[]): void => {
    const isSignature = want.includes('(')
    const signature = isSignature ? normal(want) : want
    if (known.some((one) => (isSignature ? one === signature : one.startsWith(`${want}(`)))) return
    const listed = known
      .slice(0, 12)
      .map((one) => one.slice(0, 80))
      .join(', ')
    throw new TocsinError(
      'bot.abi_mismatch',
      `Bot "${botId}" needs the ${kind} ${want.slice(0, 80)} of "${thing.name}", but its ABI has no such ${kind}.`,
      {
        hints: [
          known.length > 0
            ? `It has: ${listed}${known.length > 12 ? ', …' : ''}.`
            : `It has no ${kind}s at all.`,
          'Correct `abi` or the name in the watchlist; of a proxy, name the ABI of the implementation.',
        ],
        exitCode: 2,
      },
    )
  }
  for (const event of wanted.events ?? []) check('event', event, events)
  for (const name of wanted.functions ?? []) check('function', name, functions)
}
