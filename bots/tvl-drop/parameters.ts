import { z } from 'zod'

const reviewBy = '2027-05-31'
const tokenAddress = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'a token address')
  .transform((text): `0x${string}` => `0x${text.slice(2).toLowerCase()}`)

export const tvlDropParameters = z
  .strictObject({
    windowS: z.int().min(60).max(604_800).default(3_600).meta({
      description: 'Span of the window form (seconds of block time).',
      source: 'the usual operating rule: more than 10 % within an hour',
      reviewBy,
    }),
    dropBps: z.int().min(1).max(10_000).default(1_000).meta({
      description:
        'Window form: a drop of more than this from the highest value in the window (bps).',
      source: 'the usual operating rule: more than 10 % within an hour',
      reviewBy,
      quieter: 'higher',
    }),
    oneBlockDropBps: z.int().min(1).max(10_000).default(500).meta({
      description: 'One-block form: a drop of more than this from one block to the next (bps).',
      source: 'published drain heuristics: 5 % in one block pages',
      reviewBy,
      quieter: 'higher',
    }),
    stepBps: z.int().min(1).max(10_000).default(500).meta({
      description:
        'While the window form holds it is raised again when the drop is worse by another step (bps).',
      source: 'own choice: half of dropBps, so that people hear of it at 10, 15, 20 %',
      reviewBy,
    }),
    minSamples: z.int().min(1).max(10_000).default(3).meta({
      description:
        'Blocks that must have been seen before the window form speaks. The one-block form needs two.',
      source: 'own choice: the first blocks after a start are no baseline',
      reviewBy,
    }),
    minUnits: z
      .string()
      .regex(/^\d{1,78}$/, 'a whole number of smallest units, in quotes')
      .default('0')
      .meta({
        description: 'Values below this are dust and raise nothing (smallest units of the asset).',
        source: 'own choice: off; set it for things that are often nearly empty',
        reviewBy,
      }),
    shareToleranceBps: z.int().min(0).max(10_000).default(100).meta({
      description:
        'A drop counts as withdrawal by share holders when the value of a share fell by no more than this (bps); it is Medium at most.',
      source: 'own choice: room for exit fees',
      reviewBy,
    }),
    idle: z.enum(['auto', 'always', 'never']).default('auto').meta({
      description:
        "Vaults: whether the asset's balance of the vault counts beside totalAssets(). `auto`: as long as it was 99 % of totalAssets.",
      source: 'own choice: a vault that lends its assets out moves its balance every day',
      reviewBy,
    }),
    slowWindowS: z.int().min(3_600).max(604_800).default(86_400).meta({
      description: 'Span of the slow form (seconds of block time).',
      source: 'published rules for drops of value: 24 hours',
      reviewBy,
    }),
    slowDropBps: z.int().min(1).max(5_000).default(1_000).meta({
      description:
        'Slow form: value is down by more than this from where it stood when the span began (bps).',
      source: 'own choice: half of the published 20 % a day, since other facts must agree',
      reviewBy,
    }),
    slowSteps: z.int().min(2).max(1_000).default(6).meta({
      description: 'Slow form: transactions that the few who got most of it needed.',
      source: 'own choice: one who leaves in parts takes two or three',
      reviewBy,
    }),
    slowShareBps: z.int().min(1).max(10_000).default(6_000).meta({
      description:
        'Slow form: part of the loss that went to those few, net of what they brought (bps).',
      source: 'own choice: more than half; when many leave, the largest three have less',
      reviewBy,
    }),
    slowTakers: z.int().min(1).max(16).default(3).meta({
      description: 'Slow form: how many are few.',
      source: 'own choice: an attacker, and two addresses more',
      reviewBy,
    }),
    tokens: z.array(tokenAddress).max(64).default([]).meta({
      description: 'Tokens whose balances count: of a bridge, or beside `tokens` of a treasury.',
      source: 'none: things differ',
      reviewBy,
    }),
    native: z.enum(['auto', 'always', 'never']).default('auto').meta({
      description:
        'Treasuries and bridges: whether native coin counts. `auto`: when no token is named.',
      source: 'own choice: a treasury pays fees from it',
      reviewBy,
    }),
  })
  .refine((value) => value.oneBlockDropBps <= value.dropBps, {
    path: ['oneBlockDropBps'],
    message: 'must not be more than dropBps: what one block may not, an hour may',
  })

export type TvlDropParameters = z.infer<typeof tvlDropParameters>
