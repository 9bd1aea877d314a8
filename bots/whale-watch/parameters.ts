import { z } from 'zod'

const reviewBy = '2027-05-31'

export const whaleWatchParameters = z.strictObject({
  windowS: z.int().min(60).max(604_800).default(86_400).meta({
    description:
      'Span over which changes of a holding are added up, from its first move on (seconds).',
    source: 'own choice: a day, so that a holding that is sold in parts is seen',
    reviewBy,
  }),
  holderBps: z.int().min(1).max(10_000).default(100).meta({
    description: 'Who holds at least this part of the supply is a whale, without any label (bps).',
    source: 'own choice: a hundredth; trackers of holders list the same',
    reviewBy,
  }),
  trackBps: z.int().min(1).max(10_000).default(10).meta({
    description:
      'Transfers of less than this part of the supply make nobody known as a holder (bps).',
    source: 'own choice: a tenth of holderBps',
    reviewBy,
  }),
  outBps: z.int().min(1).max(10_000).default(2_500).meta({
    description:
      'A whale that gave away more than this part of its holding is told, and again at each further such part (bps).',
    source: 'own choice: a quarter',
    reviewBy,
    quieter: 'higher',
  }),
  minOutBps: z.int().min(1).max(10_000).default(50).meta({
    description: 'It must also be at least this part of the supply (bps).',
    source: 'own choice: half of holderBps',
    reviewBy,
  }),
  inBps: z.int().min(1).max(10_000).default(100).meta({
    description: 'A holding that grew by at least this part of the supply is told (bps).',
    source: 'own choice: as much as makes a whale',
    reviewBy,
  }),
  together: z.int().min(2).max(50).default(3).meta({
    description: 'So many whales that leave within togetherS are a finding of their own.',
    source: 'own choice: three that act alike within the hour are seldom chance',
    reviewBy,
  }),
  togetherS: z.int().min(60).max(86_400).default(3_600).meta({
    description: 'Span of that (seconds).',
    source: 'own choice: an hour',
    reviewBy,
  }),
  topHolders: z.int().min(1).max(100).default(50).meta({
    description: 'Most holders that are followed for each token; the smallest makes room.',
    source: 'own choice: with holderBps of a hundredth there are at most a hundred',
    reviewBy,
  }),
})

export type WhaleWatchParameters = z.infer<typeof whaleWatchParameters>
