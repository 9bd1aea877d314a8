import { z } from 'zod'

const reviewBy = '2027-05-31'

export const rugPullParameters = z.strictObject({
  windowS: z.int().min(600).max(604_800).default(86_400).meta({
    description: 'Span in which two signs must come (seconds of block time).',
    source: 'own choice: a day; published rug pulls took minutes to hours',
    reviewBy,
  }),
  signals: z.int().min(2).max(4).default(2).meta({
    description: 'So many different signs on one token, or its pools, make a rug pull.',
    source: 'published two-signal rules: an order of magnitude quieter than one',
    reviewBy,
  }),
  saleBps: z.int().min(1).max(10_000).default(1_000).meta({
    description: 'Part of what was minted that must have gone into a pool to be a sale (bps).',
    source:
      'own choice: a tenth; fees and first liquidity of a planned mint stay below, or are known',
    reviewBy,
  }),
  minTrades: z.int().min(10).max(10_000).default(50).meta({
    description: 'Trades of a token that must be known before missing sells are judged.',
    source: 'own choice: a share of fewer is none',
    reviewBy,
  }),
  minSellBps: z.int().min(100).max(9_000).default(2_000).meta({
    description:
      'Tokens of which less than this part of the trades are sells are not judged (bps).',
    source: 'own choice: launches have few sells at first',
    reviewBy,
  }),
  chance: z.number().min(1e-12).max(0.01).default(1e-6).meta({
    description: 'Sells are missing when so many buys in a row have at most this chance.',
    source: 'own choice: one in a million; at a third of sells 35 buys in a row',
    reviewBy,
  }),
  minBuyers: z.int().min(1).max(64).default(5).meta({
    description: 'Different buyers that must be among them.',
    source: 'own choice: one bot that buys in parts is no crowd',
    reviewBy,
  }),
})

export type RugPullParameters = z.infer<typeof rugPullParameters>
