import { z } from 'zod'

const reviewBy = '2027-05-31'
const someAddress = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'an address')
  .transform((text): `0x${string}` => `0x${text.slice(2).toLowerCase()}`)

export const solvencyParameters = z.strictObject({
  shortfallBps: z.int().min(1).max(10_000).default(1).meta({
    description:
      'A shortfall of more than this (bps of what is owed) beyond the learned tolerance holds as Medium.',
    source: 'published accounting invariants: any shortfall beyond 1 bp is looked at',
    reviewBy,
    quieter: 'higher',
  }),
  highBps: z.int().min(1).max(10_000).default(10).meta({
    description: 'From this shortfall on it is High (bps of what is owed).',
    source: 'own choice: ten times what rounding and accrual were seen to leave',
    reviewBy,
  }),
  criticalBps: z.int().min(1).max(10_000).default(100).meta({
    description: 'From this shortfall on it is Critical (bps of what is owed).',
    source: 'own choice: one hundredth of all deposits is gone',
    reviewBy,
  }),
  poolLossBps: z.int().min(1).max(10_000).default(10).meta({
    description:
      'Pools: the liquidity behind a share (v2) or a balance (v3) that falls by more than this in one block, beyond what the events of the pool explain (bps).',
    source: 'own choice: swaps and burns can only raise it; rounding stays far below 1 bp',
    reviewBy,
  }),
  roundingUnits: z
    .string()
    .regex(/^\d{1,78}$/, 'a whole number of smallest units, in quotes')
    .default('1000')
    .meta({
      description: 'Shortfalls up to this are rounding, whatever they are a part of.',
      source: 'own choice: rebasing tokens lose one or two units by each transfer',
      reviewBy,
    }),
  beatS: z.int().min(1).max(86_400).default(300).meta({
    description:
      'How often a thing is looked at although nothing touched it (seconds of block time).',
    source: 'own choice: losses without any event are rare, reads are not free',
    reviewBy,
  }),
  strategies: z.array(someAddress).max(32).default([]).meta({
    description:
      "Vaults: who holds assets for it. What an ERC-4626 strategy owes the vault counts, else the strategy's balance of the asset.",
    source: 'none: vaults differ',
    reviewBy,
  }),
})

export type SolvencyParameters = z.infer<typeof solvencyParameters>
