import { z } from 'zod'
import { limitParameters } from '../governed-calls/index.ts'

const reviewBy = '2027-05-31'

export const timelockParameters = z.strictObject({
  ...limitParameters,
  noticeS: z.int().min(0).max(2_592_000).default(86_400).meta({
    description:
      'A dangerous operation is announced this long before it can be executed (seconds), but not before half of its delay has passed.',
    source: 'own choice: a working day to look at it and cancel',
    reviewBy,
  }),
  staleS: z.int().min(3_600).max(31_536_000).default(1_209_600).meta({
    description:
      'An operation that nobody executed for so long after it could be is no longer waited for (seconds).',
    source: "Compound's Timelock: GRACE_PERIOD is 14 days",
    reviewBy,
  }),
  maxOperations: z.int().min(8).max(1_024).default(128).meta({
    description:
      'Queued operations that are kept of a timelock; beyond that the least dangerous, then the oldest, is forgotten.',
    source:
      'own choice: bounds the state; the chain still tells whether a forgotten one was queued',
    reviewBy,
  }),
})

export type TimelockParameters = z.infer<typeof timelockParameters>
