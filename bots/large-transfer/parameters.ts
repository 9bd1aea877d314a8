import { decimalAmount } from 'tocsin'
import { z } from 'zod'

const reviewBy = '2027-05-31'
const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'a token address')
  .transform((text): `0x${string}` => `0x${text.slice(2).toLowerCase()}`)

export const largeTransferParameters = z.strictObject({
  threshold: decimalAmount.default('1000000').meta({
    description: 'Of a token: transfers of more than this are reported (whole units of the token).',
    source: 'own choice for dollar tokens; set it for every token',
    reviewBy,
    quieter: 'higher',
  }),
  exchangeThreshold: decimalAmount.default('500000').meta({
    description: 'The same, when one side is labelled `exchange` (whole units).',
    source: 'own choice: half of threshold, since exchanges are where stolen money is sold',
    reviewBy,
    quieter: 'higher',
  }),
  whaleThreshold: decimalAmount.default('500000').meta({
    description: 'The same, when one side is labelled `whale` (whole units).',
    source: 'own choice: half of threshold',
    reviewBy,
    quieter: 'higher',
  }),
  treasuryThreshold: decimalAmount.default('100000').meta({
    description:
      'Of a treasury: transfers of its tokens to or from it of more than this (whole units).',
    source:
      'own choice: a tenth of threshold; multisig monitors use a thousand to ten thousand dollars',
    reviewBy,
    quieter: 'higher',
  }),
  perToken: z.record(address, decimalAmount).default({}).meta({
    description:
      'Of a treasury or a labelled address: thresholds of single tokens, by token address (whole units).',
    source: 'none: tokens differ in worth',
    reviewBy,
  }),
  nativeThreshold: decimalAmount.default('100').meta({
    description: 'Of a treasury: native coin to or from it of more than this (whole coins).',
    source: 'own choice',
    reviewBy,
    quieter: 'higher',
  }),
  highFactor: z.int().min(2).max(1_000_000).default(10).meta({
    description: 'From more than this many times the threshold on the finding is High.',
    source: 'own choice: an order of magnitude',
    reviewBy,
  }),
  supplyBps: z.int().min(1).max(10_000).default(2_000).meta({
    description:
      'Of a token, unless a treasury or an exchange moves it, High also takes more than this part of the supply (bps).',
    source: 'own choice: twice the holding of the largest whales of most tokens',
    reviewBy,
    quieter: 'higher',
  }),
  mintBps: z.int().min(1).max(10_000).default(100).meta({
    description:
      'A large mint is High from more than this part of the supply on, else Medium (bps).',
    source: 'published mint heuristics: more than 1 % of the supply at once',
    reviewBy,
    quieter: 'higher',
  }),
})

export type LargeTransferParameters = z.infer<typeof largeTransferParameters>
