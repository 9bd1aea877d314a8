import { z } from 'zod'

const reviewBy = '2027-05-31'
const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'an address')
  .transform((text): `0x${string}` => `0x${text.slice(2).toLowerCase()}`)

/** Parameters of both bots: by what a call is judged. */
export const limitParameters = {
  treasuryShareBps: z.int().min(1).max(10_000).default(2_000).meta({
    description:
      "A payment or approval of at least this part of the executor's balance is dangerous (bps).",
    source:
      'own choice: grants and salaries stay far below a fifth of a treasury; takeovers (Build Finance 2022, Beanstalk 2022) take all',
    reviewBy,
  }),
  mintShareBps: z.int().min(1).max(10_000).default(500).meta({
    description: 'Minting at least this part of the supply is dangerous (bps).',
    source: 'own choice: above the yearly inflation of most governance tokens (2 to 5 %)',
    reviewBy,
  }),
  knownAddresses: z.array(address).max(256).default([]).meta({
    description:
      'Addresses beside the watchlist that may get power, money or be installed without alarm: Safes, grantees, audited implementations.',
    source: 'none: enter them before the proposal is made',
    reviewBy,
  }),
}
