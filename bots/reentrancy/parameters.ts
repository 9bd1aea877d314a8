import { z } from 'zod'

const reviewBy = '2027-05-31'

export const reentrancyParameters = z.strictObject({
  traces: z.enum(['whenTouched', 'never']).default('whenTouched').meta({
    description:
      'Call traces of the blocks in which the state of the thing changed; without them nothing is seen.',
    source:
      'own choice: re-entries show nowhere else; blocks that leave the thing alone cost nothing',
    reviewBy,
  }),
  criticalBps: z.int().min(1).max(10_000).default(500).meta({
    description:
      'A re-entry that takes at least this part of what the thing held of a token, or of the native coin, is Critical (bps).',
    source: 'own choice: the usual page for a drop of the value held, 5 % in one block',
    reviewBy,
  }),
  ignoreFunctions: z
    .array(z.string().regex(/^0x[0-9a-f]{8}$/, 'a selector'))
    .max(64)
    .default([])
    .meta({
      description: 'Selectors of the thing that may be entered while it is at work, by design.',
      source: 'none: things differ',
      reviewBy,
    }),
  familiarTxs: z.int().min(2).max(1_000).default(10).meta({
    description:
      'A contract that came back into the thing in so many transactions, over a day at least, without taking anything, belongs to it.',
    source: 'own choice: strategies and hooks of the protocol itself do so daily',
    reviewBy,
  }),
})

export type ReentrancyParameters = z.infer<typeof reentrancyParameters>
