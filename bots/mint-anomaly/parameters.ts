import { z } from 'zod'

const reviewBy = '2027-05-31'
const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'an address')
  .transform((text): `0x${string}` => `0x${text.slice(2).toLowerCase()}`)
const bps = z.int().min(1).max(1_000_000)

export const mintAnomalyParameters = z
  .strictObject({
    jumpBps: bps.default(100).meta({
      description: 'Growth of the supply in one block from which on it is told at all (bps).',
      source: 'published mint heuristics: more than 1 % of the supply at once',
      reviewBy,
      quieter: 'higher',
    }),
    highBps: bps.default(500).meta({
      description: 'The same, from which on it is High (bps).',
      source: 'own choice: issuers of large dollar tokens stay below 1 % a block; five times that',
      reviewBy,
    }),
    criticalBps: bps.default(2_000).meta({
      description: 'The same, from which on it is Critical (bps).',
      source:
        'own choice: published mint attacks multiplied the supply, or added most of it (Resolv 2026, Cover 2020)',
      reviewBy,
    }),
    windowS: z.int().min(60).max(86_400).default(3_600).meta({
      description: 'Span over which many small mints are added up (seconds of block time).',
      source: 'own choice: an hour, as for drops of value',
      reviewBy,
    }),
    windowBps: bps.default(1_000).meta({
      description: 'Growth within the span from which on it is told (bps).',
      source: 'own choice: as much as a drop of value within an hour',
      reviewBy,
    }),
    habitFactor: z.int().min(1).max(1_000).default(3).meta({
      description:
        'Growth of no more than this many times the largest of the last 30 days, today left out, is a habit.',
      source:
        'published mint heuristics warn at ten times the median; three times the largest here',
      reviewBy,
    }),
    silentBps: bps.default(10).meta({
      description:
        'Change of the supply that no event explains from which on it is looked at (bps); below it is interest or rounding.',
      source:
        'own choice: staking tokens move by about 1 bps a day, savings tokens by up to 10 a week',
      reviewBy,
    }),
    silentPageBps: bps.default(100).meta({
      description:
        'The same without any holder to compare with, from which on it is Critical (bps).',
      source: 'own choice: no interest is 1 % in one block',
      reviewBy,
    }),
    dilutionBps: bps.default(100).meta({
      description:
        'Vaults: shares made without assets, as a part of all shares, from which on it is High; five times that is Critical (bps).',
      source: 'own choice: above the fees that vaults take in shares at one time',
      reviewBy,
    }),
    toleranceBps: z.int().min(0).max(5_000).default(500).meta({
      description: 'Collateral may be short of what was minted by this much (bps).',
      source: 'published mint heuristics: a mint of more than 1.05 times its collateral',
      reviewBy,
    }),
    minMints: z.int().min(1).max(1_000).default(5).meta({
      description: 'Mints that must have been seen before a minter can be called new.',
      source: 'own choice: the first mints after a start make the list',
      reviewBy,
    }),
    minterBps: bps.default(1).meta({
      description: 'A new minter who makes less than this of the supply is not told (bps).',
      source: 'own choice: fees and dust',
      reviewBy,
    }),
    burnBps: bps.default(1_000).meta({
      description:
        'Burns in one block from which on they are told (bps of the supply): Low, Medium from half of the supply on.',
      source: 'own choice: redemptions are a use of the token, not an attack',
      reviewBy,
    }),
    poolBurnBps: bps.default(100).meta({
      description:
        "A burn of a pool's holdings by somebody else from which on it is High (bps of the supply).",
      source: 'own choice: above taxes on single trades',
      reviewBy,
    }),
    capBps: bps.default(1_000).meta({
      description:
        "A minter's allowance from which on it is Medium (bps of the supply); High from the whole supply on.",
      source: 'own choice: issuers top up allowances by a few per cent',
      reviewBy,
    }),
    minters: z.array(address).max(256).default([]).meta({
      description: 'Minters that are known from the start.',
      source: 'none: things differ; they are learned',
      reviewBy,
    }),
  })
  .refine(({ jumpBps, highBps, criticalBps }) => jumpBps <= highBps && highBps <= criticalBps, {
    path: ['highBps'],
    message: 'jumpBps, highBps and criticalBps must not fall',
  })

export type MintAnomalyParameters = z.infer<typeof mintAnomalyParameters>
