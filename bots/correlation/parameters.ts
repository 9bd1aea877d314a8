import { z } from 'zod'

const reviewBy = '2027-05-31'
const ids = (description: string) =>
  z
    .array(z.string().regex(/^[A-Za-z][\w-]{0,99}$/, 'an id'))
    .max(64)
    .describe(description)

export const correlationParameters = z.strictObject({
  warnings: z.int().min(2).max(20).default(3).meta({
    description:
      'So many independent signals, of different bots, on one protocol make an incident.',
    source: 'the usual compound rule: three warnings on one protocol in ten minutes are critical',
    reviewBy,
    quieter: 'higher',
  }),
  windowS: z.int().min(12).max(86_400).default(600).meta({
    description: 'Span in which they must come (seconds of block time).',
    source: 'the same rule: ten minutes',
    reviewBy,
  }),
  pauseWindowS: z.int().min(12).max(604_800).default(3_600).meta({
    description: 'Span in which a change of control and an outflow make a candidate for a pause.',
    source: 'the usual compound rule: role or upgrade change plus outflow within an hour',
    reviewBy,
  }),
  minSeverity: z.enum(['Medium', 'High', 'Critical']).default('Medium').meta({
    description: 'Findings below it never count.',
    source: 'own choice: Info and Low are for the record',
    reviewBy,
  }),
  sameSignal: z
    .array(ids('bots or alerts').min(2))
    .max(32)
    .default([
      ['mint-anomaly', 'LARGE-MINT', 'LARGE-BURN'],
      ['large-transfer', 'whale-watch', 'exchange-flow'],
      ['admin-call', 'governance', 'timelock', 'pause-watch'],
      ['tvl-drop', 'outflow-cap', 'utilisation'],
      ['oracle', 'price-manipulation'],
    ])
    .meta({
      description:
        'Bots, or single alerts, that see one and the same thing from several sides: they count as one.',
      source:
        'own choice: one mint, one transfer of a whale, one planned upgrade, one withdrawal, one loss or one move of the market is not three signals',
      reviewBy,
    }),
  sameThing: z
    .array(ids('bots').min(2))
    .max(32)
    .default([
      ['liquidity-pull', 'tvl-drop', 'outflow-cap', 'utilisation', 'share-price', 'solvency'],
    ])
    .meta({
      description:
        'Bots that echo one another where they speak of the same thing: of each thing the first in this order counts.',
      source:
        'own choice: one exit of a provider, or one loss of a vault, is not three signals; that a vault and a pool lose is two',
      reviewBy,
    }),
  amplifiers: ids('bots').default(['activity', 'gas-by-function', 'attacker-preparation']).meta({
    description: 'Bots whose findings are evidence of an incident and never make one.',
    source: 'unusual behaviour alone is mostly popularity',
    reviewBy,
  }),
  ignoreAlerts: ids('alerts').default(['TOKEN-UNREADABLE', 'ADMIN-CALL-FAILED']).meta({
    description: 'Alerts that tell of missing data or of refused attempts: never counted.',
    source: 'own choice',
    reviewBy,
  }),
  changeAlerts: ids('alerts')
    .default([
      'OWNER-CHANGED',
      'ROLE-CHANGED',
      'PROXY-CHANGED',
      'REINITIALISED',
      'MULTISIG-CHANGED',
      'MULTISIG-DELEGATECALL',
      'GOVERNANCE-CHANGED',
      'PRICE-SOURCE-CHANGED',
      'ADMIN-CALL',
      'ADMIN-SLOT-CHANGED',
      'PROPOSAL-BREACH',
      'OPERATION-UNQUEUED',
      'PAUSE-UNDONE',
    ])
    .meta({
      description: 'Alerts that tell of a change of who commands, or of whose code runs.',
      source:
        'the alerts of admin-call but pauses and refused attempts; what governance, timelock and pause-watch call a breach',
      reviewBy,
    }),
  outflowAlerts: ids('alerts')
    .default([
      'TVL-DROP',
      'TVL-DROP-BLOCK',
      'TVL-DRAIN-SLOW',
      'OUTFLOW-ABOVE-CAP',
      'LIQUIDITY-PULL',
      'LIQUIDITY-DRAIN',
      'LARGE-TRANSFER',
      'TREASURY-TRANSFER',
      'EXCHANGE-TRANSFER',
      'WHALE-TRANSFER',
      'SHARE-PRICE-DROP',
      'SHORTFALL',
      'POOL-LOSS',
      'MINT-UNBACKED',
      'SILENT-MINT',
      'REENTRANCY',
      'BRIDGE-UNBACKED',
      'BRIDGE-MISMATCH',
    ])
    .meta({
      description:
        'Alerts that tell of an outflow; single transfers count only when they leave a watched address of the protocol.',
      source:
        'the alerts of tvl-drop, liquidity-pull and large-transfer; losses that share-price and solvency tell, and mints that nobody paid for',
      reviewBy,
    }),
})

export type CorrelationParameters = z.infer<typeof correlationParameters>
