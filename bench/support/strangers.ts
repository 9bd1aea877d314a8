import { type Hex, keccak256, toHex } from 'viem'
import type { CallTrace, ChainLog, ChainTransaction } from '../../core/chain/types.ts'
import { createRandom, type Random } from '../../demo/random.ts'

const word = (value: bigint | number): Hex => `0x${value.toString(16).padStart(64, '0')}`
const addressOf = (seed: number): Hex => `0x${keccak256(toHex(seed)).slice(-40)}`
const topicOf = (signature: string): Hex => keccak256(toHex(signature))

const TOPICS = {
  transfer: topicOf('Transfer(address,address,uint256)'),
  approval: topicOf('Approval(address,address,uint256)'),
  sync: topicOf('Sync(uint112,uint112)'),
  swapV2: topicOf('Swap(address,uint256,uint256,uint256,uint256,address)'),
  swapV3: topicOf('Swap(address,address,int256,int256,uint160,uint128,int24)'),
  deposit: topicOf('Deposit(address,uint256)'),
  supply: topicOf('Supply(address,address,address,uint256,uint16)'),
}
const CONTRACTS = 400
const PEOPLE = 5_000

/** Addresses repeat, as they do on a chain. */
const contracts = Array.from({ length: CONTRACTS }, (_, at) => addressOf(1_000_000 + at))
const people = Array.from({ length: PEOPLE }, (_, at) => addressOf(2_000_000 + at))
const padded = (address: Hex): Hex => `0x${address.slice(2).padStart(64, '0')}`

type Bare = Pick<ChainLog, 'address' | 'topics' | 'data'>

const makeLogs = (random: Random, from: Hex): readonly Bare[] => {
  const kind = random.next()
  const contract = random.pick(contracts)
  const other = random.pick(people)
  const amount = word(BigInt(Math.floor(random.next() * 1e12)))
  const transfer = (a: Hex, b: Hex): Bare => ({
    address: random.pick(contracts),
    topics: [TOPICS.transfer, padded(a), padded(b)],
    data: amount,
  })
  const words = (count: number): Hex => `0x${amount.slice(2).repeat(count)}`
  // Shares as of an ordinary day of a large chain: a third plain payments in coins, a third tokens, the rest swaps.
  if (kind < 0.3) return []
  if (kind < 0.6) return [transfer(from, other)]
  if (kind < 0.68)
    return [
      {
        address: contract,
        topics: [TOPICS.approval, padded(from), padded(other)],
        data: words(1),
      },
    ]
  if (kind < 0.82)
    return [
      transfer(from, contract),
      transfer(contract, from),
      { address: contract, topics: [TOPICS.sync], data: words(2) },
      {
        address: contract,
        topics: [TOPICS.swapV2, padded(other), padded(from)],
        data: words(4),
      },
    ]
  if (kind < 0.94)
    return [
      transfer(from, contract),
      transfer(contract, from),
      {
        address: contract,
        topics: [TOPICS.swapV3, padded(other), padded(from)],
        data: words(5),
      },
    ]
  return [
    transfer(from, contract),
    { address: contract, topics: [TOPICS.deposit, padded(from)], data: words(1) },
    {
      address: contract,
      topics: [TOPICS.supply, padded(contract), padded(other), word(0)],
      data: words(2),
    },
  ]
}

/** Transactions of other people with contracts that nobody watches: payments, tokens, swaps. The same for one seed. */
export const makeStrangers = (
  seed: number,
  count: number,
  place: { readonly txIndex: number; readonly logIndex: number },
): readonly ChainTransaction[] => {
  const random = createRandom(seed)
  let { logIndex } = place
  const made = Array.from({ length: count }, (_, at): ChainTransaction => {
    const from = random.pick(people)
    const index = place.txIndex + at
    const hash = keccak256(toHex(`stranger ${seed} ${at}`))
    const logs = makeLogs(random, from).map(
      (log): ChainLog => ({ ...log, logIndex: logIndex++, txHash: hash, txIndex: index }),
    )
    const isPlain = logs.length === 0
    return {
      hash,
      index,
      from,
      to: isPlain ? random.pick(people) : random.pick(contracts),
      input: isPlain ? '0x' : `0xa9059cbb${padded(from).slice(2)}${word(1n).slice(2)}`,
      value: isPlain ? 1n : 0n,
      status: random.next() < 0.03 ? 'reverted' : 'success',
      gasUsed: isPlain ? 21_000n : 90_000n,
      effectiveGasPriceWei: 10n ** 9n,
      contractAddress: null,
      logs,
    }
  })
  // Text that is put together piece by piece is slow to look up; what a node answers comes in one piece.
  return structuredClone(made)
}

/** Calls of such a transaction: one to each contract that a log of it came from. */
export const traceStranger = (tx: ChainTransaction): readonly CallTrace[] => {
  const call = (path: readonly number[], from: Hex, to: Hex | null): CallTrace => ({
    txHash: tx.hash,
    txIndex: tx.index,
    path,
    type: 'CALL',
    from,
    to,
    input: tx.input ?? '0x',
    output: word(1),
    valueWei: path.length === 0 ? (tx.value ?? 0n) : 0n,
    gasUsed: tx.gasUsed,
    reverted: tx.status === 'reverted',
  })
  const target = tx.to ?? tx.from
  return [
    call([], tx.from, tx.to),
    ...tx.logs.map(({ address }, at) => call([at], target, address)),
  ]
}
