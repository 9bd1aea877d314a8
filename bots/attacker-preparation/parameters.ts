import { z } from 'zod'

const reviewBy = '2027-05-31'
const tagList = z.array(z.string().regex(/^[a-z][\w-]{0,63}$/, 'a tag')).max(32)

export const attackerPreparationParameters = z.strictObject({
  windowS: z.int().min(3_600).max(604_800).default(172_800).meta({
    description:
      'Span in which funding, contract and target must come together; as long a suspect is remembered (seconds of block time).',
    source: 'published rules for attack preparation: 48 hours',
    reviewBy,
  }),
  freshNonce: z.int().min(0).max(64).default(5).meta({
    description: 'A deployer is fresh when it sent at most so many transactions before.',
    source: 'own choice: funding, a test and an approval; attackers use an address once',
    reviewBy,
  }),
  fundingTags: tagList.default(['mixer', 'swapper', 'instant-exchange', 'hacker']).meta({
    description: 'Labels with these tags fund attackers: mixers, exchanges without accounts.',
    source: 'published attack statistics (2024): Tornado 44 %, ChangeNow 14 %, FixedFloat 7 %',
    reviewBy,
  }),
  bridgeTags: tagList.default(['bridge']).meta({
    description: 'Labels with these tags fund anybody; it counts only for fresh deployers.',
    source: 'published rules for attack preparation: fresh from a bridge',
    reviewBy,
  }),
  habitDeployers: z.int().min(1).max(64).default(3).meta({
    description:
      'A thing that contracts of so many other deployers named in the last 30 days is named by habit, which is no sign.',
    source: 'own choice: popular things are built upon every week',
    reviewBy,
  }),
  minSelectors: z.int().min(1).max(16).default(2).meta({
    description:
      'Functions of a watched thing (from its ABI) whose selectors, all in the code, stand for its address.',
    source: 'own choice: one selector of four bytes is chance or a standard; two seldom are',
    reviewBy,
    quieter: 'higher',
  }),
})

export type AttackerPreparationParameters = z.infer<typeof attackerPreparationParameters>
