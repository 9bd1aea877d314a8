import { z } from 'zod'

const reviewBy = '2027-05-31'

export const gasByFunctionParameters = z.strictObject({
  warmupDays: z.int().min(1).max(27).default(7).meta({
    description:
      'Days with calls of a function that must be known before it is judged; the current one does not count.',
    source: 'own choice: a week, so that weekends and weekly jobs are in it',
    reviewBy,
  }),
  minCalls: z.int().min(5).max(100_000).default(100).meta({
    description: 'Successful calls of a function that must be known as well.',
    source: 'own choice: a maximum of fewer is none (Trace2Inv trained on some hundreds)',
    reviewBy,
  }),
  shiftBps: z.int().min(500).max(100_000).default(3_000).meta({
    description:
      'Shift: the median of the last 20 calls is at least this much above the highest daily median of four weeks (bps).',
    source: 'own choice: a compiler or a fee token changes a function by 5 to 15 per cent',
    reviewBy,
    quieter: 'higher',
  }),
  zLimit: z.number().min(1).max(1_000).default(5).meta({
    description:
      'Shift: its robust z-score against the daily medians, by their spread and by that within days.',
    source: 'Iglewicz and Hoaglin (1993) take 3.5 for single values; more, since many are judged',
    reviewBy,
    quieter: 'higher',
  }),
  minSenders: z.int().min(1).max(20).default(5).meta({
    description: 'Shift: different senders among the last 20 calls that cost that much.',
    source: 'own choice: one user with large batches is no shift',
    reviewBy,
  }),
  spikeFactor: z.number().min(1.2).max(1_000).default(3).meta({
    description: 'Spike: a single call uses at least this many times the most of four weeks.',
    source:
      'Trace2Inv: above 1.0 times the maximum 18 of 27 attacks at 2.4 % false alarms; three times, since an alarm is told to people',
    reviewBy,
    quieter: 'higher',
  }),
  minSpikeGas: z.int().min(21_000).max(100_000_000).default(500_000).meta({
    description: 'Spike: calls that use less than this are never told (gas).',
    source: 'own choice: a few swaps; attacks in one transaction use millions',
    reviewBy,
  }),
  traces: z.enum(['never', 'whenTouched']).default('never').meta({
    description:
      'Call traces, to measure internal calls too, apart from the direct ones. `whenTouched`: of blocks that changed the state of the thing.',
    source: 'own choice: traces cost the node far more than all else',
    reviewBy,
  }),
})

export type GasByFunctionParameters = z.infer<typeof gasByFunctionParameters>
