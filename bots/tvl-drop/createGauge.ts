import { type Address, requireAbi, TocsinError } from 'tocsin'
import { balancesGauge, pairGauge, vaultGauge } from './declaredGauges.ts'
import type { Gauge, TvlThing } from './gauge.ts'
import { concentratedGauge, lendingGauge } from './lazyGauges.ts'

const tokensOf = (thing: TvlThing): readonly Address[] => {
  const all = [...(thing.kind === 'treasury' ? thing.tokens : []), ...thing.parameters.tokens]
  return [...new Set(all.map((token) => token.toLowerCase() as Address))]
}

/**
 * Checks once, at the start, that a thing can be measured at all.
 * @throws TocsinError `bot.abi_mismatch` when its ABI lacks what is read; `bot.nothing_to_measure` when it names nothing
 */
export const checkThing = (thing: TvlThing): void => {
  if (thing.kind === 'vault') requireAbi('tvl-drop', thing, { functions: ['totalAssets()'] })
  if (thing.kind === 'pool')
    requireAbi('tvl-drop', thing, {
      functions: [thing.variant === 'uniswap-v2' ? 'getReserves()' : 'slot0()'],
    })
  if (thing.kind === 'lending-market')
    requireAbi('tvl-drop', thing, { functions: ['getReservesList()'] })
  if (
    (thing.kind === 'treasury' || thing.kind === 'bridge') &&
    thing.parameters.native === 'never' &&
    tokensOf(thing).length === 0
  )
    throw new TocsinError(
      'bot.nothing_to_measure',
      `Bot "tvl-drop" has nothing to measure of "${thing.name}": no token is named and native coin is left out.`,
      {
        hints: [`Name tokens under \`bots: { tvl-drop: { tokens: [0x…] } }\` of "${thing.name}".`],
        exitCode: 2,
      },
    )
}

/** How to measure a thing, by its kind. */
export const createGauge = (thing: TvlThing): Gauge => {
  if (thing.kind === 'vault') return vaultGauge(thing)
  if (thing.kind === 'pool')
    return thing.variant === 'uniswap-v2' ? pairGauge(thing) : concentratedGauge(thing)
  if (thing.kind === 'lending-market') return lendingGauge(thing)
  const tokens = tokensOf(thing)
  const { native } = thing.parameters
  return balancesGauge(
    thing,
    tokens,
    native === 'always' || (native === 'auto' && tokens.length === 0),
  )
}
