import { type Address, type ChainLog, type Decoded, decodeLog, type Hex } from 'tocsin'
import { toEventSelector, toFunctionSelector } from 'viem/utils'
import { codeGovernorAbi, compoundGovernorAbi, governorAbi } from '../../abis/index.ts'
import { joinSignature, type RawCall } from '../governed-calls/index.ts'

export type Created = {
  readonly what: 'created'
  readonly id: string
  readonly txHash: Hex
  readonly proposer: Address
  readonly calls: readonly RawCall[]
  /** In the governor's own clock: blocks or seconds. */
  readonly start: bigint
  readonly end: bigint
  readonly description: string
}
export type Vote = {
  readonly what: 'vote'
  readonly id: string
  readonly txHash: Hex
  readonly voter: Address
  readonly side: 'for' | 'against' | 'abstain'
  readonly weight: bigint
}
export type Fate = {
  readonly what: 'queued' | 'executed' | 'cancelled'
  readonly id: string
  readonly txHash: Hex
}
export type Extended = {
  readonly what: 'extended'
  readonly id: string
  readonly txHash: Hex
  readonly end: bigint
}
export type GovernorEvent = Created | Vote | Fate | Extended

const abis = [governorAbi, compoundGovernorAbi, codeGovernorAbi] as const
const WANTED = new Set([
  'ProposalCreated',
  'ProposalQueued',
  'ProposalExecuted',
  'ProposalCanceled',
  'ProposalExtended',
  'VoteCast',
  'VoteCastWithParams',
  'Voted',
])
const MAX_CALLS = 100

export const governorTopics: readonly Hex[] = [
  ...new Set(
    abis.flatMap((abi) =>
      abi.flatMap((item) =>
        item.type === 'event' && WANTED.has(item.name) ? [toEventSelector(item)] : [],
      ),
    ),
  ),
]

const FATES = new Map<Hex, Fate['what']>([
  [toEventSelector('ProposalQueued(uint256,uint256)'), 'queued'],
  [toEventSelector('ProposalExecuted(uint256)'), 'executed'],
  [toEventSelector('ProposalCanceled(uint256)'), 'cancelled'],
])
export const EXECUTE: Hex = toFunctionSelector('execute(address[],uint256[],bytes[],bytes32)')

const isHex = (value: unknown): value is Hex => typeof value === 'string' && value.startsWith('0x')
const lower = (value: unknown): Address => String(value).toLowerCase() as Address
const big = (value: unknown): bigint =>
  typeof value === 'bigint' || typeof value === 'number' ? BigInt(value) : 0n

/** Calls out of the parallel lists of a governor. */
export const zipCalls = (
  targets: unknown,
  values: unknown,
  calldatas: unknown,
  signatures?: unknown,
): readonly RawCall[] =>
  Array.isArray(targets) && Array.isArray(calldatas)
    ? targets.slice(0, MAX_CALLS).flatMap((target: unknown, index): readonly RawCall[] => {
        const input: unknown = calldatas[index]
        if (!isHex(input)) return []
        const signature: unknown = Array.isArray(signatures) ? signatures[index] : ''
        return [
          {
            target: lower(target),
            valueWei: Array.isArray(values) ? big(values[index]) : 0n,
            input: joinSignature(signature, input),
            isDelegatecall: false,
          },
        ]
      })
    : []

const fateOf = (log: ChainLog): Fate | undefined => {
  const what = log.topics[0] && FATES.get(log.topics[0])
  // Indexed by some governors, not by others.
  const word = log.topics[1] ?? (log.data.length >= 66 ? log.data.slice(0, 66) : undefined)
  return what && word ? { what, id: BigInt(word).toString(), txHash: log.txHash } : undefined
}

const SIDES = ['against', 'for', 'abstain'] as const

const sideOf = (support: unknown): Vote['side'] => {
  if (typeof support === 'boolean') return support ? 'for' : 'against'
  return SIDES[Number(support)] ?? 'abstain'
}

type Args = Decoded['args']
type Place = { readonly id: string; readonly txHash: Hex }

/** Where a proposal is a contract, its code runs as the governor's own. */
const callsOf = (args: Args): readonly RawCall[] =>
  args['target'] === undefined
    ? zipCalls(args['targets'], args['values'], args['calldatas'], args['signatures'])
    : [{ target: lower(args['target']), valueWei: 0n, input: '0x', isDelegatecall: true }]

const createdOf = (place: Place, args: Args): Created => ({
  what: 'created',
  ...place,
  proposer: lower(args['proposer']),
  calls: callsOf(args),
  start: big(args['voteStart'] ?? args['startTime']),
  end: big(args['voteEnd'] ?? args['endTime']),
  description: typeof args['description'] === 'string' ? args['description'] : '',
})

const voteOf = (place: Place, args: Args): Vote => ({
  what: 'vote',
  ...place,
  voter: lower(args['voter']),
  side: sideOf(args['support']),
  weight: big(args['weight'] ?? args['votes']),
})

const eventOf = (log: ChainLog): GovernorEvent | undefined => {
  const fate = fateOf(log)
  if (fate) return fate
  for (const abi of abis) {
    const event = decodeLog(abi, log)
    if (!event) continue
    const { name, args } = event
    const place = {
      id: big(args['proposalId'] ?? args['id']).toString(),
      txHash: log.txHash,
    }
    if (name === 'ProposalExtended')
      return { what: 'extended', ...place, end: big(args['extendedDeadline']) }
    if (name === 'ProposalCreated') return createdOf(place, args)
    if (name === 'Voted' || name.startsWith('VoteCast')) return voteOf(place, args)
  }
  return undefined
}

/** What a governor's logs tell of, in order. */
export const readEvents = (
  governor: Address,
  logs: readonly ChainLog[],
): readonly GovernorEvent[] =>
  logs.flatMap((log) => (log.address === governor ? (eventOf(log) ?? []) : []))
