import { decimalAmount } from 'tocsin'
import { z } from 'zod'

const reviewBy = '2027-05-31'

export const exchangeFlowParameters = z.strictObject({
  windowS: z.int().min(60).max(86_400).default(3_600).meta({
    description: 'Of a token: span over which deposits and withdrawals are set off (seconds).',
    source: 'own choice: exchanges credit deposits and pay out within the hour',
    reviewBy,
  }),
  netBps: z.int().min(1).max(10_000).default(100).meta({
    description:
      'Of a token: a net flow of more than this part of its supply within the window is told (bps).',
    source:
      'own choice: a hundredth of all there is, which ordinary trade does not move in an hour',
    reviewBy,
    quieter: 'higher',
  }),
  mediumBps: z.int().min(1).max(10_000).default(500).meta({
    description: 'From more than this part of the supply on, a net deposit is Medium (bps).',
    source: 'own choice: more than single large holders bring',
    reviewBy,
    quieter: 'higher',
  }),
  highBps: z.int().min(1).max(10_000).default(1_000).meta({
    description: 'From more than this part of the supply on, a net deposit is High (bps).',
    source: 'own choice: a tenth of all there is on its way to be sold',
    reviewBy,
    quieter: 'higher',
  }),
  historyH: z.int().min(24).max(720).default(168).meta({
    description: 'Of a token: how many past hours its usual net flow is taken from.',
    source: 'own choice: a week holds every hour of the week once',
    reviewBy,
  }),
  historyFactor: z.int().min(1).max(100).default(3).meta({
    description:
      'The net flow must also be more than this many times the 99th percentile of the past hours, once six of them are known.',
    source: 'own choice: three times what is rare',
    reviewBy,
  }),
  partyWindowS: z.int().min(60).max(604_800).default(86_400).meta({
    description: 'Of a treasury, multisig, whale or deployer: span of its deposits (seconds).',
    source: 'own choice: a day, since limits of exchanges make people send in parts',
    reviewBy,
  }),
  partyBps: z.int().min(1).max(10_000).default(2_500).meta({
    description:
      'Of these: deposits of more than this part of what it held are told, and again at each further such part (bps).',
    source: 'own choice: a quarter; payroll and market making stay below',
    reviewBy,
    quieter: 'higher',
  }),
  partyHighBps: z.int().min(1).max(10_000).default(5_000).meta({
    description: 'From more than this part on it is High, for whales it is not (bps).',
    source: 'own choice: half of what there was',
    reviewBy,
    quieter: 'higher',
  }),
  minSupplyBps: z.int().min(0).max(10_000).default(1).meta({
    description: 'Of these: less than this part of the supply is dust (bps).',
    source: 'own choice',
    reviewBy,
  }),
  minNative: decimalAmount.default('10').meta({
    description: 'Of these: native coin of less than this is dust (whole coins).',
    source: 'own choice: a tenth of the threshold of large-transfer',
    reviewBy,
  }),
})

export type ExchangeFlowParameters = z.infer<typeof exchangeFlowParameters>
