import { z } from 'zod'

const reviewBy = '2027-05-31'

export const approvalDrainParameters = z.strictObject({
  minOwners: z.int().min(3).max(64).default(10).meta({
    description: 'So many owners that approve one new spender within `approveS` are told.',
    source: 'published rules for approval phishing: ten owners in a day',
    reviewBy,
    quieter: 'higher',
  }),
  approveS: z.int().min(600).max(604_800).default(86_400).meta({
    description: 'Span of that (seconds of block time).',
    source: 'published rules for approval phishing: a day',
    reviewBy,
  }),
  minPulled: z.int().min(2).max(64).default(5).meta({
    description: 'So many owners from whom is pulled within `pullS` are told.',
    source: 'published rules for approval phishing: five owners in ten minutes',
    reviewBy,
    quieter: 'higher',
  }),
  pullS: z.int().min(60).max(86_400).default(600).meta({
    description: 'Span of that (seconds of block time).',
    source: 'published rules for approval phishing: ten minutes',
    reviewBy,
  }),
  newDays: z.int().min(1).max(90).default(30).meta({
    description: 'A spender is new for so many days after its first approval (block time).',
    source: 'published rules for approval phishing: less than 30 days old',
    reviewBy,
  }),
  warmupS: z.int().min(0).max(604_800).default(86_400).meta({
    description:
      'Contracts that are approved within this span after the start are taken as known, unless they were created in it (seconds of block time).',
    source: 'own choice: what ten owners a day approve is seen within the first day',
    reviewBy,
  }),
  knownSpenders: z
    .array(
      z
        .string()
        .regex(/^0x[0-9a-fA-F]{40}$/, 'an address')
        .transform((text): `0x${string}` => `0x${text.slice(2).toLowerCase()}`),
    )
    .max(256)
    .default(['0x000000000022d473030f116ddee9f6b43ac78ba3'])
    .meta({
      description: 'Spenders that are never new. Labels `own` and `exchange…` count too.',
      source: 'the deployment of Permit2, which asks owners again for every spender',
      reviewBy,
    }),
})

export type ApprovalDrainParameters = z.infer<typeof approvalDrainParameters>
