import { parseAbi } from 'viem/utils'
import type { EventRule } from './events.ts'

/** Who sets where prices come from can borrow everything; a source that is an account without code is Critical. */
const newSource = (what: string, source: string): EventRule => ({
  alertId: 'PRICE-SOURCE-CHANGED',
  severity: () => 'High',
  text: (args, who) => `${what} is now ${who(args[source])}`,
  holder: source,
})

/** Where lending markets take their prices from: Aave v2 and v3, Compound v2 and its heirs, Chainlink's proxies. */
export const PRICE_RULES: Readonly<Record<string, EventRule>> = {
  AssetSourceUpdated: {
    ...newSource('', 'source'),
    severity: ({ priceGap }) => (priceGap === 'wide' ? 'Critical' : 'High'),
    text: ({ asset, source, priceBefore, priceAfter }, who) =>
      `the price of ${who(asset)} now comes from ${who(source)}${
        priceAfter === undefined ? '' : `; it went from ${priceBefore} to ${priceAfter}`
      }`,
  },
  FallbackOracleUpdated: {
    alertId: 'PRICE-SOURCE-CHANGED',
    text: ({ fallbackOracle }, who) =>
      `a price that is missing now comes from ${who(fallbackOracle)}`,
    // Markets live without a second source: none at all is a plain setting.
    severity: ({ fallbackOracle }) => (isNone(fallbackOracle) ? 'Medium' : 'High'),
  },
  PriceOracleUpdated: newSource('the price oracle', 'newAddress'),
  PriceOracleSentinelUpdated: newSource('the sentinel of the price oracle', 'newAddress'),
  NewPriceOracle: newSource('the price oracle', 'newPriceOracle'),
  AggregatorProposed: newSource('the aggregator that was proposed', 'proposed'),
  AggregatorConfirmed: newSource('the aggregator', 'latest'),
}

const isNone = (address: unknown): boolean => /^0x0*$/.test(String(address))

export const priceAbi = parseAbi([
  'event AssetSourceUpdated(address indexed asset, address indexed source)',
  'event FallbackOracleUpdated(address indexed fallbackOracle)',
  'event PriceOracleUpdated(address indexed oldAddress, address indexed newAddress)',
  'event PriceOracleUpdated(address indexed newAddress)',
  'event PriceOracleSentinelUpdated(address indexed oldAddress, address indexed newAddress)',
  'event NewPriceOracle(address oldPriceOracle, address newPriceOracle)',
  'event AggregatorProposed(address indexed current, address indexed proposed)',
  'event AggregatorConfirmed(address indexed previous, address indexed latest)',
])
