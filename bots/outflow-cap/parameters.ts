import { z } from 'zod'

const reviewBy = '2027-05-31'
const tokenAddress = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'a token address')
  .transform((text): `0x${string}` => `0x${text.slice(2).toLowerCase()}`)

export const outflowCapParameters = z
  .strictObject({
    historyDays: z.int().min(2).max(90).default(30).meta({
      description: 'Days over which the largest outflow is remembered (block time).',
      source: 'own choice: a month, so that monthly payments are part of the history',
      reviewBy,
    }),
    minSamples: z.int().min(1).max(250).default(20).meta({
      description: 'Outflows of a token that must be known before one is judged.',
      source: 'own choice: of twenty, the largest says what is usual to within a factor',
      reviewBy,
    }),
    matureSamples: z.int().min(1).max(250).default(200).meta({
      description: 'With fewer outflows known than this, both factors are doubled.',
      source: 'published rule for outflow caps: young contracts need 200 samples',
      reviewBy,
    }),
    warnFactor: z.number().min(1).max(1_000).default(1.5).meta({
      description: 'An outflow of more than this many times the largest so far is looked at.',
      source:
        'Trace2Inv (2024): above the historical maximum 17 of 27 hacks at 0.4 % false alarms; 1.5 times still catches nearly all',
      reviewBy,
      quieter: 'higher',
    }),
    pageFactor: z.number().min(1).max(1_000).default(5).meta({
      description: 'From more than this many times on it is one severity graver.',
      source: 'published rule for outflow caps: five times pages',
      reviewBy,
      quieter: 'higher',
    }),
    minShareBps: z.int().min(0).max(10_000).default(100).meta({
      description: 'Outflows of less than this part of what is held are never told (bps).',
      source: 'own choice: a hundredth; records of small payments are of no interest',
      reviewBy,
    }),
    mediumShareBps: z.int().min(1).max(10_000).default(1_000).meta({
      description: 'From more than this part of what is held on it is Medium (bps).',
      source: 'published rule for outflow caps: 10 to 20 % of the balance',
      reviewBy,
      quieter: 'higher',
    }),
    highShareBps: z.int().min(1).max(10_000).default(2_000).meta({
      description:
        'From more than this part of what is held, and `pageFactor`, on it is High (bps).',
      source: 'published rule for outflow caps: 10 to 20 % of the balance',
      reviewBy,
      quieter: 'higher',
    }),
    shareToleranceBps: z.int().min(0).max(10_000).default(100).meta({
      description:
        'Vaults: an outflow is matched when the value of a share fell by no more than this (bps).',
      source: 'own choice: room for exit fees, as tvl-drop has it',
      reviewBy,
    }),
    tokens: z.array(tokenAddress).max(64).default([]).meta({
      description:
        'Tokens that count, of a bridge, or beside `tokens` of a treasury. Without any, every token that it holds and pays out.',
      source: 'none: things differ',
      reviewBy,
    }),
  })
  .refine((value) => value.warnFactor <= value.pageFactor, {
    path: ['warnFactor'],
    message: 'must not be more than pageFactor',
  })

export type OutflowCapParameters = z.infer<typeof outflowCapParameters>
