import { z } from 'zod'

const reviewBy = '2027-05-31'

export const bridgeParameters = z.strictObject({
  lagS: z.int().min(10).max(86_400).default(300).meta({
    description:
      'The other chain is called behind when it has not come to the time of a release for so long (seconds of block time).',
    source: 'own choice: some tens of blocks of a slow chain; a lagging source is no hit',
    reviewBy,
  }),
  finalityS: z.int().min(60).max(604_800).default(3_600).meta({
    description:
      'The other chain is called stuck when it passed a release and made nothing final for so long (seconds).',
    source: 'Ethereum finalises within 13 to 20 minutes; three times that',
    reviewBy,
  }),
  marginS: z.int().min(0).max(3_600).default(15).meta({
    description:
      'So far beyond the time of a release the other chain, or what is final of it, must have come before a lock is missing (seconds).',
    source:
      'own choice: the clocks of two chains may differ by a block; a lock stands long before its release',
    reviewBy,
  }),
  warmupS: z.int().min(0).max(5_184_000).default(0).meta({
    description:
      'A release within so long after the watch of the other side began is Medium at most: its lock may be older (seconds).',
    source:
      'own choice: most messages arrive within the hour, and an attack must not hide in the first weeks; slow routes have `slowWarmupS`',
    reviewBy,
  }),
  slowWarmupS: z.int().min(0).max(5_184_000).default(1_209_600).meta({
    description: 'The same for withdrawals of optimistic rollups, which take a week (seconds).',
    source: 'OP Stack: 7 days from proof to withdrawal; twice that, since people come later',
    reviewBy,
  }),
  jumpBps: z.int().min(1).max(100_000).default(1_000).meta({
    description:
      'A running number that jumps by more than this part of the highest seen is told (bps).',
    source: 'the usual rule for bridges: a jump of a tenth pages',
    reviewBy,
    quieter: 'higher',
  }),
  minJump: z.int().min(2).max(1_000_000_000).default(1_000).meta({
    description: 'Jumps of fewer numbers than this are left alone.',
    source: 'own choice: messages arrive out of order, and some are never claimed',
    reviewBy,
    quieter: 'higher',
  }),
  maxLocks: z.int().min(64).max(65_536).default(4_096).meta({
    description: 'Locks, and releases, that are kept of each bridge; then the oldest is forgotten.',
    source: 'own choice: bounds the state, some 300 bytes each; days of a busy bridge',
    reviewBy,
  }),
  maxOpen: z.int().min(16).max(4_096).default(512).meta({
    description: 'Releases that wait for the other chain; then the oldest is given up.',
    source: 'own choice: bounds the state and what is asked of the other chain at each block',
    reviewBy,
  }),
  forgetS: z.int().min(3_600).max(2_592_000).default(86_400).meta({
    description: 'A release without a lock is told as holding for so long (seconds).',
    source: 'own choice: by then somebody has looked',
    reviewBy,
  }),
})

export type BridgeParameters = z.infer<typeof bridgeParameters>
