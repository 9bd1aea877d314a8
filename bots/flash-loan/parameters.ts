import { z } from 'zod'

const reviewBy = '2027-05-31'
const ids = z.array(z.string().regex(/^[A-Za-z][\w-]{0,99}$/, 'an id')).max(64)

export const flashLoanParameters = z.strictObject({
  ignoreBots: ids
    .default([
      'whale-watch',
      'exchange-flow',
      'activity',
      'gas-by-function',
      'utilisation',
      'pause-watch',
      'silence',
      'timelock',
    ])
    .meta({
      description: 'Bots whose findings a flash loan does not make worse.',
      source: 'own choice: what tells of traffic, of standing conditions and of plans',
      reviewBy,
    }),
  ignoreAlerts: ids
    .default([
      'LARGE-TRANSFER',
      'LARGE-MINT',
      'LARGE-BURN',
      'EXCHANGE-TRANSFER',
      'WHALE-TRANSFER',
      'TOKEN-UNREADABLE',
      'ADMIN-CALL-FAILED',
    ])
    .meta({
      description: 'Alerts that a flash loan does not make worse.',
      source:
        'own choice: the loan itself is a large transfer; one ordinary transaction in 400 holds one',
      reviewBy,
    }),
})

export type FlashLoanParameters = z.infer<typeof flashLoanParameters>
