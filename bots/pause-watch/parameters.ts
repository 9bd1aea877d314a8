import { z } from 'zod'

const reviewBy = '2027-05-31'
const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'an address')
  .transform((text): `0x${string}` => `0x${text.slice(2).toLowerCase()}`)

export const pauseWatchParameters = z.strictObject({
  missingBlocks: z.int().min(1).max(10_000).default(10).meta({
    description:
      'After one thing of a protocol was paused its siblings are expected to follow within so many blocks.',
    source: 'own choice: two minutes on Ethereum; machine pauses take a few blocks',
    reviewBy,
  }),
  undoneS: z.int().min(60).max(604_800).default(3_600).meta({
    description: 'A pause that is lifted sooner than this was undone (seconds of block time).',
    source: 'the usual operating rule: lifted within an hour of a pause pages',
    reviewBy,
  }),
  longS: z.int().min(600).max(31_536_000).default(86_400).meta({
    description: 'A pause that lasts longer than this is told (seconds of block time).',
    source: 'own choice: a day; published incidents were settled or decided upon by then',
    reviewBy,
    quieter: 'higher',
  }),
  maxPauseS: z.int().min(0).max(31_536_000).default(0).meta({
    description:
      'The pause lapses by itself after so long (seconds); 0 when it does not, or when the contract says when.',
    source: 'none: contracts differ; pausedUntil() and its like are read',
    reviewBy,
  }),
  expiringS: z.int().min(60).max(2_592_000).default(21_600).meta({
    description:
      'A pause that lapses in less than this is told, Medium; High from a sixth of it on (seconds).',
    source: 'own choice: six hours to gather those who can prolong it, and the last hour to page',
    reviewBy,
  }),
  flapChanges: z.int().min(3).max(100).default(4).meta({
    description: 'Pauses and unpauses within a day from which on it flaps.',
    source: 'own choice: one pause and its end are usual, two of each are not',
    reviewBy,
    quieter: 'higher',
  }),
  responders: z.array(address).max(64).default([]).meta({
    description: 'Accounts whose pause means the whole protocol: siblings that do not follow page.',
    source: 'none: name the signer of your automatic answers; labels with the tag `own` count too',
    reviewBy,
  }),
})

export type PauseWatchParameters = z.infer<typeof pauseWatchParameters>
