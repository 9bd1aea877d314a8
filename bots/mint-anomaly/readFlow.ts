import {
  type Address,
  addressOfWord,
  addressTopic,
  type BotBlock,
  type ChainLog,
  type Hex,
  type LogNeed,
} from 'tocsin'
import { toEventSelector } from 'viem/utils'

const TRANSFER: Hex = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
const ZERO: Address = '0x0000000000000000000000000000000000000000'
const topic = (signature: string): Hex => toEventSelector(`event ${signature}`)

/** Events that tell of supply beside `Transfer`, and which way it goes. */
const MOVES: ReadonlyMap<Hex, { readonly family: 'wrap' | 'issue'; readonly sign: 1n | -1n }> =
  new Map([
    [topic('Deposit(address,uint256)'), { family: 'wrap', sign: 1n }],
    [topic('Withdrawal(address,uint256)'), { family: 'wrap', sign: -1n }],
    [topic('Issue(uint256)'), { family: 'issue', sign: 1n }],
    [topic('Redeem(uint256)'), { family: 'issue', sign: -1n }],
    [topic('DestroyedBlackFunds(address,uint256)'), { family: 'issue', sign: -1n }],
  ] as const)

const REBASES: readonly Hex[] = [
  topic('LogRebase(uint256,uint256)'),
  topic('TokenRebased(uint256,uint256,uint256,uint256,uint256,uint256,uint256)'),
  topic('TotalSupplyUpdatedHighres(uint256,uint256,uint256)'),
  topic('TotalSupplyUpdated(uint256,uint256,uint256)'),
]

export const MINTED = topic('Mint(address,address,uint256)')

/** What changes how much somebody may mint. */
export const CAPS: ReadonlyMap<Hex, 'configured' | 'removed' | 'master' | 'limits'> = new Map([
  [topic('MinterConfigured(address,uint256)'), 'configured'],
  [topic('MinterRemoved(address)'), 'removed'],
  [topic('MasterMinterChanged(address)'), 'master'],
  [topic('BridgeLimitsSet(uint256,uint256,address)'), 'limits'],
] as const)

export type Move = {
  readonly log: ChainLog
  readonly holder: Address
  readonly units: bigint
}

/** What a block's events say of one token's supply. */
export type Flow = {
  readonly mints: readonly Move[]
  readonly burns: readonly Move[]
  /** Net growth by each way of reading the events; which of them the token means shows in its supply. */
  readonly nets: readonly bigint[]
  readonly isRebase: boolean
  readonly caps: readonly ChainLog[]
}

/** Logs that concern the supply of these. `Transfer` only from and to nobody, and from and to the token itself. */
export const supplyLogs = (tokens: readonly Address[]): readonly LogNeed[] =>
  tokens.length === 0
    ? []
    : [
        { address: tokens, topics: [TRANSFER, addressTopic(ZERO)] },
        { address: tokens, topics: [TRANSFER, null, addressTopic(ZERO)] },
        { address: tokens, topics: [[...MOVES.keys(), ...REBASES, ...CAPS.keys()]] },
        ...tokens.flatMap((token) => [
          { address: token, topics: [TRANSFER, addressTopic(token)] },
          { address: token, topics: [TRANSFER, null, addressTopic(token)] },
        ]),
      ]

/** The first word of the data; nothing when there is none. */
export const wordOf = (data: Hex, index = 0): bigint | undefined => {
  const word = data.slice(2 + 64 * index, 66 + 64 * index)
  return word.length === 64 ? BigInt(`0x${word}`) : undefined
}

const sum = (moves: readonly Move[]): bigint => moves.reduce((all, { units }) => all + units, 0n)

export const largestOf = (moves: readonly Move[]): Move | undefined =>
  moves.reduce<Move | undefined>(
    (most, one) => (most && most.units >= one.units ? most : one),
    undefined,
  )

/** A `Transfer` of ERC-20 that moves something between two. */
const readTransfer = (
  log: ChainLog,
): { readonly from: Address; readonly to: Address; readonly units: bigint } | undefined => {
  const [first, fromWord = '0x', toWord = '0x'] = log.topics
  if (first !== TRANSFER || log.topics.length !== 3 || log.data.length !== 66) return undefined
  const [from, to] = [addressOfWord(fromWord), addressOfWord(toWord)]
  return from && to && from !== to ? { from, to, units: BigInt(log.data) } : undefined
}

const readMove = (
  log: ChainLog,
): { readonly family: 'wrap' | 'issue'; readonly units: bigint } | undefined => {
  const move = log.topics[0] && MOVES.get(log.topics[0])
  return move
    ? {
        family: move.family,
        units: move.sign * (wordOf(log.data, log.data.length > 66 ? 1 : 0) ?? 0n),
      }
    : undefined
}

export const readFlow = (token: Address, block: Pick<BotBlock, 'logs'>): Flow | undefined => {
  const logs = block.logs.filter(({ address }) => address === token)
  if (logs.length === 0) return undefined
  const mints: Move[] = []
  const burns: Move[] = []
  const net = { wrap: 0n, issue: 0n, self: 0n }
  for (const log of logs) {
    const move = readMove(log)
    if (move) net[move.family] += move.units
    const transfer = readTransfer(log)
    if (!transfer) continue
    const { from, to, units } = transfer
    if (from === ZERO) mints.push({ log, holder: to, units })
    else if (to === ZERO) burns.push({ log, holder: from, units })
    else net.self += from === token ? units : -units
  }
  const base = sum(mints) - sum(burns)
  const isOneOf = (topics: readonly Hex[], log: ChainLog): boolean =>
    log.topics[0] !== undefined && topics.includes(log.topics[0])
  return {
    mints,
    burns,
    nets: [base, base + net.wrap, base + net.issue, base + net.self],
    isRebase: logs.some((log) => isOneOf(REBASES, log)),
    caps: logs.filter((log) => isOneOf([...CAPS.keys()], log)),
  }
}

/** Splits a change of the supply into what the events say and the rest, by the reading that leaves least. */
export const explain = (
  change: bigint,
  flow: Flow | undefined,
): { readonly told: bigint; readonly silent: bigint } => {
  let best = { told: 0n, silent: change }
  const size = (value: bigint): bigint => (value < 0n ? -value : value)
  for (const told of flow?.nets ?? [])
    if (size(change - told) < size(best.silent)) best = { told, silent: change - told }
  return best
}
