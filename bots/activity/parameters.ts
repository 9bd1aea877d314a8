import { z } from 'zod'

const reviewBy = '2027-05-31'

export const activityParameters = z.strictObject({
  warmupDays: z.int().min(1).max(365).default(14).meta({
    description:
      'Users and transactions: days that must have been seen before an hour is judged (block time).',
    source: 'own choice: every hour of the week twice, so that no weekend is a drop',
    reviewBy,
  }),
  minSamples: z.int().min(3).max(100).default(6).meta({
    description:
      'Users and transactions: hours like this one (same hour of the week, and one to either side) that must be known.',
    source: 'own choice: two weeks of three hours; a median of fewer is no median',
    reviewBy,
  }),
  minUsers: z.int().min(1).max(1_000_000).default(20).meta({
    description: 'Hours in which fewer users than this are usual are not judged by users.',
    source: 'own choice: of twenty, four or fewer are no chance (Poisson, below 1 in 10,000)',
    reviewBy,
  }),
  minTransactions: z.int().min(1).max(1_000_000).default(40).meta({
    description:
      'Hours in which fewer transactions than this are usual are not judged by transactions.',
    source: 'own choice: two for each of minUsers',
    reviewBy,
  }),
  zLimit: z.number().min(1).max(100).default(3.5).meta({
    description: 'Robust z-score from which an hour is unusual, upwards or downwards.',
    source: 'Iglewicz and Hoaglin (1993): 3.5 for the modified z-score',
    reviewBy,
    quieter: 'higher',
  }),
  dropBps: z.int().min(1_000).max(10_000).default(6_000).meta({
    description: 'A drop is told when at least this much of the usual is missing as well (bps).',
    source: 'own choice: holidays and outages of one frontend of several stay below',
    reviewBy,
    quieter: 'higher',
  }),
  surgeFactor: z.number().min(1.5).max(1_000).default(5).meta({
    description: 'A surge is told when there is at least this many times the usual as well.',
    source: 'own choice: launches and airdrops reach three to four times',
    reviewBy,
    quieter: 'higher',
  }),
  failWarmupHours: z.int().min(0).max(8_760).default(48).meta({
    description: 'Failing functions: hours since the first successful call before one is judged.',
    source: 'own choice: two days, so that set-up and launch are past',
    reviewBy,
  }),
  failMinSuccesses: z.int().min(1).max(10_000).default(30).meta({
    description: 'Failing functions: successful calls that show that a function works.',
    source: 'own choice: the smallest sample of which a share is usually told',
    reviewBy,
  }),
  failUsualBps: z.int().min(1).max(5_000).default(2_000).meta({
    description:
      'Functions that fail more often than this in ordinary times (bps) are not judged: bots try their luck there.',
    source: 'own choice: of transfers and deposits a few per cent fail, of raced calls most',
    reviewBy,
  }),
  failLimit: z.number().min(3).max(50).default(12).meta({
    description:
      'Limit of the cumulative sum of log-likelihoods that four of five calls fail now, against the usual share.',
    source:
      'Reynolds and Stoumbos (1999); exp(-12) is one false alarm in 160,000 passes; four to nine failures in a row',
    reviewBy,
    quieter: 'higher',
  }),
  failMinSenders: z.int().min(1).max(30).default(5).meta({
    description: 'Different senders that must have failed; a sender counts once.',
    source: 'own choice: one user who tries again and again is no failing function',
    reviewBy,
  }),
  failForgetDays: z.int().min(1).max(90).default(7).meta({
    description: 'A function that has failed for this long is taken as retired: the alert ends.',
    source: 'own choice: a week',
    reviewBy,
  }),
})

export type ActivityParameters = z.infer<typeof activityParameters>
