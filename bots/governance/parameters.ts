import { z } from 'zod'
import { limitParameters } from '../governed-calls/index.ts'

const reviewBy = '2027-05-31'
const bps = z.int().min(1).max(10_000)

export const governanceParameters = z.strictObject({
  ...limitParameters,
  freshBlocks: z.int().min(1).max(50_000).default(10).meta({
    description:
      'Votes gained within so many blocks before the snapshot are fresh (governors that count in blocks).',
    source:
      'own choice: a flash loan is gone within its block (Beanstalk 2022); people who delegate for a vote do it earlier',
    reviewBy,
  }),
  freshS: z.int().min(1).max(604_800).default(120).meta({
    description:
      'Votes gained within so many seconds before the snapshot are fresh (governors that count in seconds).',
    source: 'own choice: ten blocks of twelve seconds',
    reviewBy,
  }),
  freshQuorumBps: bps.default(2_500).meta({
    description:
      'Fresh votes for a proposal are told from this part of the quorum on, and once more when they alone make the quorum (bps).',
    source: 'own choice: a quarter of the quorum is no accident',
    reviewBy,
  }),
  checkQuorumBps: bps.default(500).meta({
    description:
      'A vote of at least this part of the quorum is checked for freshness; smaller ones are only counted (bps).',
    source: 'own choice: bounds the reads; twenty of them would make a quorum',
    reviewBy,
  }),
  closingBps: bps.default(2_000).meta({
    description:
      'The last part of the voting period in which a dangerous proposal that is still open is announced (bps).',
    source: 'own choice: the last fifth, some 14 hours of three days',
    reviewBy,
  }),
  lateBps: bps.default(1_000).meta({
    description:
      'A quorum reached, or a result turned, in this last part of the voting period is late (bps).',
    source: "own choice: what OpenZeppelin's GovernorPreventLateQuorum is made against",
    reviewBy,
  }),
  maxProposals: z.int().min(8).max(512).default(64).meta({
    description:
      'Open proposals that are kept of a governor; beyond that the least dangerous, then the oldest, is forgotten.',
    source: 'own choice: bounds the state; large governors have a handful open at a time',
    reviewBy,
  }),
  staleS: z.int().min(86_400).max(31_536_000).default(7_776_000).meta({
    description: 'A proposal that came to no end for so long is no longer followed (seconds).',
    source: 'own choice: 90 days, longer than voting, delay and grace of the usual governors',
    reviewBy,
  }),
})

export type GovernanceParameters = z.infer<typeof governanceParameters>
