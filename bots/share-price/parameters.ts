import { z } from 'zod'

const reviewBy = '2027-05-31'

export const sharePriceParameters = z
  .strictObject({
    jumpBps: z.int().min(1).max(10_000).default(50).meta({
      description: 'A share that gains more than this in one block is told (bps).',
      source: 'published rules for donations: 0.5 % in one block',
      reviewBy,
      quieter: 'higher',
    }),
    mediumBps: z.int().min(1).max(100_000).default(200).meta({
      description: 'From more than this on a gain in one block is Medium; below it is Low (bps).',
      source: 'own choice: a month of 25 % a year reported at once',
      reviewBy,
    }),
    highBps: z.int().min(1).max(100_000).default(500).meta({
      description: 'A gain, loss or dilution of more than this in one block is High (bps).',
      source: 'published drain heuristics: 5 % in one block pages',
      reviewBy,
    }),
    criticalBps: z.int().min(1).max(1_000_000).default(2_000).meta({
      description: 'A gain of more than this in one block is Critical (bps).',
      source: 'own choice: lending markets lend 75 to 90 % against shares of a vault',
      reviewBy,
    }),
    dropBps: z.int().min(1).max(10_000).default(1).meta({
      description:
        'A share that loses more than this in one block, and more than rounding, is told (bps).',
      source: 'published rules for vaults: a decrease of more than 1 bp',
      reviewBy,
    }),
    lossBps: z.int().min(1).max(10_000).default(100).meta({
      description:
        'A loss of no more than this is Low: fees, and losses as reports bring them (bps).',
      source: 'own choice: a fee of 1 % on entry or exit is the usual upper end',
      reviewBy,
    }),
    usualFactor: z.int().min(1).max(1_000).default(10).meta({
      description:
        "A gain within this many times the vault's own usual yield since the price last moved is silent.",
      source: 'published rules for donations: ten times the expected yield',
      reviewBy,
    }),
    tinySupply: z.int().min(1).max(1_000_000_000_000).default(1_000_000).meta({
      description:
        'Fewer shares than this (smallest units, times ten to the power of the decimals offset) can be inflated.',
      source: 'published rules for first depositors: a supply below 1e6 with assets in it',
      reviewBy,
    }),
    inflatedTimes: z.int().min(2).max(1_000_000_000).default(1_000).meta({
      description:
        'A supply that small is inflated when a share is worth so many times its first price.',
      source: 'own choice: honest shares take decades to a thousandfold',
      reviewBy,
    }),
    robbedBps: z.int().min(1).max(10_000).default(1_000).meta({
      description:
        'A deposit into so few shares that lost more than this to rounding was robbed (bps).',
      source: 'own choice: ten times the usual upper end of entry fees',
      reviewBy,
    }),
  })
  .refine((value) => value.mediumBps <= value.highBps && value.highBps <= value.criticalBps, {
    path: ['highBps'],
    message: 'must lie between mediumBps and criticalBps',
  })

export type SharePriceParameters = z.infer<typeof sharePriceParameters>
