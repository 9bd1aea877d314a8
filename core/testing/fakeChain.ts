import type { Abi } from 'viem'
import { type Address, type Hex, stableHash } from '../base/index.ts'
import { computeLogsBloom } from '../chain/index.ts'
import type {
  CallTrace,
  ChainBlock,
  ChainLog,
  ChainSource,
  ChainTransaction,
} from '../chain/types.ts'
import type { Needs } from '../engine/types.ts'
import type { AlertInput } from './alertInput.ts'
import type { LogInput } from './encodeLog.ts'
import { createFakeReader, EMPTY_STATE, type FakeState, nextState } from './fakeState.ts'

/** An internal call of a transaction, seen in traces only. */
export type CallInput = {
  /** Default: the transaction's target. */
  readonly from?: Address
  readonly to: Address
  readonly input?: Hex
  readonly output?: Hex
  readonly type?: CallTrace['type']
  readonly valueWei?: bigint
  readonly reverted?: boolean
  /** Default: side by side below the top call. */
  readonly path?: readonly number[]
}

export type TransactionInput = {
  readonly from?: Address
  /** `null` creates a contract. Default: the address of the first log, else a stranger. */
  readonly to?: Address | null
  readonly input?: Hex
  readonly value?: bigint
  readonly status?: 'success' | 'reverted'
  /** Default: 21,000 for an empty transaction, 90,000 for any other. */
  readonly gasUsed?: bigint
  readonly contractAddress?: Address
  readonly logs?: readonly LogInput[]
  readonly calls?: readonly CallInput[]
}

export type CallAnswer = {
  readonly address: Address
  readonly abi: Abi
  readonly functionName: string
  /** Left out: whatever the arguments are. */
  readonly args?: readonly unknown[]
  /** What the function returns, or `REVERTS`. */
  readonly result: unknown
}

/** One block. What it says of the chain's state holds from here on, until a later block says otherwise. */
export type BlockInput = {
  readonly txs?: readonly TransactionInput[]
  /** Short for one transaction that emits them all. */
  readonly logs?: readonly LogInput[]
  /** Answers of the bot's declared reads, by key; `REVERTS` for one that fails. */
  readonly reads?: Readonly<Record<string, unknown>>
  /** Answers of calls, declared or not. */
  readonly calls?: readonly CallAnswer[]
  readonly storage?: readonly {
    readonly address: Address
    readonly slot: Hex
    readonly value: Hex
  }[]
  readonly balances?: Readonly<Record<Address, bigint>>
  readonly code?: Readonly<Record<Address, Hex>>
  /** Contracts whose storage this block changes. Left out: every contract. */
  readonly touched?: readonly Address[]
  readonly timestampS?: number
  /** Seconds since the block before. Default: 12. */
  readonly afterS?: number
  /** What other bots found in this block, for `handleAlert`. */
  readonly findings?: readonly AlertInput[]
  /** Tells a block from another with the same content. */
  readonly salt?: string
}

export type FakeBlock = {
  readonly block: ChainBlock
  readonly traces: readonly CallTrace[]
  readonly state: FakeState
  readonly findings: readonly AlertInput[]
}

/** A made-up chain: blocks with their state, and a source that answers from them. */
export type FakeChain = {
  readonly source: ChainSource
  readonly head: () => FakeBlock
  /** Builds the block after the head and puts it there. */
  readonly extend: (input: BlockInput, needs: Needs) => FakeBlock
  /** Puts a block that was built before on top of the head again. */
  readonly append: (block: FakeBlock) => void
  /** Takes the last `n` blocks off; newest first. */
  readonly rewind: (n: number) => readonly FakeBlock[]
}

const STRANGER: Address = '0x00000000000000000000000000000000005743a6'
const SENDER: Address = '0x0000000000000000000000000000000000051de2'

const lower = <T extends Hex>(value: T): T => value.toLowerCase() as T
const hashOf = (...parts: unknown[]): Hex => `0x${stableHash(...parts)}`

/** Handlers that change what they were given are found out. */
const freeze = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const inner of Object.values(value)) freeze(inner)
  return value
}

const buildTransaction = (
  input: TransactionInput,
  parent: Hex,
  index: number,
  firstLog: number,
): ChainTransaction => {
  const logs = input.status === 'reverted' ? [] : (input.logs ?? [])
  const to = input.to === undefined ? (logs[0]?.address ?? STRANGER) : input.to
  const isPlain = logs.length === 0 && (input.input ?? '0x') === '0x' && !input.calls
  const hash = hashOf('tx', parent, index, input)
  return {
    hash,
    index,
    from: lower(input.from ?? SENDER),
    to: to && lower(to),
    input: input.input ?? '0x',
    value: input.value ?? 0n,
    status: input.status ?? 'success',
    gasUsed: input.gasUsed ?? (isPlain ? 21_000n : 90_000n),
    effectiveGasPriceWei: 1_000_000_000n,
    contractAddress: input.contractAddress ? lower(input.contractAddress) : null,
    logs: logs.map(
      (log, place): ChainLog => ({
        address: lower(log.address),
        topics: log.topics.map(lower),
        data: log.data,
        logIndex: firstLog + place,
        txHash: hash,
        txIndex: index,
      }),
    ),
  }
}

const buildTraces = (input: TransactionInput, tx: ChainTransaction): readonly CallTrace[] => {
  const base = { txHash: tx.hash, txIndex: tx.index, gasUsed: tx.gasUsed, output: '0x' as const }
  const isReverted = tx.status === 'reverted'
  const top: CallTrace = {
    ...base,
    path: [],
    type: tx.to === null ? 'CREATE' : 'CALL',
    from: tx.from,
    to: tx.to ?? tx.contractAddress,
    input: tx.input ?? '0x',
    valueWei: tx.value ?? 0n,
    reverted: isReverted,
  }
  const inner = (input.calls ?? []).map(
    (call, place): CallTrace => ({
      ...base,
      path: call.path ?? [place],
      type: call.type ?? 'CALL',
      from: lower(call.from ?? tx.to ?? tx.from),
      to: lower(call.to),
      input: call.input ?? '0x',
      output: call.output ?? '0x',
      valueWei: call.valueWei ?? 0n,
      reverted: isReverted || (call.reverted ?? false),
    }),
  )
  return [top, ...inner]
}

const headerAt = (
  chainId: number,
  number: number,
  timestampS: number,
): Omit<ChainBlock, 'hash' | 'parentHash' | 'transactions' | 'logsBloom'> => ({
  chainId,
  number,
  timestampS,
  gasUsed: 0n,
  gasLimit: 30_000_000n,
  baseFeePerGasWei: 1_000_000_000n,
  miner: '0x000000000000000000000000000000000000c01b',
  seenAtMs: performance.timeOrigin + performance.now(),
  catchingUp: false,
})

export const createFakeChain = (options: {
  readonly id: number
  readonly name: string
  /** Number and time of the block before the first one. Default: 100, and a day in 2026. */
  readonly startNumber?: number
  readonly startTimestampS?: number
}): FakeChain => {
  const origin: FakeBlock = {
    block: {
      ...headerAt(options.id, options.startNumber ?? 100, options.startTimestampS ?? 1_790_000_000),
      hash: hashOf('origin', options.id),
      parentHash: hashOf('before', options.id),
      logsBloom: `0x${'0'.repeat(512)}`,
      transactions: [],
    },
    traces: [],
    state: EMPTY_STATE,
    findings: [],
  }
  const blocks: FakeBlock[] = [origin]
  // Orphaned blocks can still be asked about, as nodes do for a while.
  const known = new Map<Hex, FakeBlock>([[origin.block.hash, origin]])
  const find = (hash: Hex): FakeBlock => {
    const found = known.get(hash)
    if (!found) throw new Error(`header not found: ${hash}`)
    return found
  }
  const head = (): FakeBlock => blocks.at(-1) ?? origin

  const extend: FakeChain['extend'] = (input, needs) => {
    const parent = head()
    const inputs = [...(input.txs ?? []), ...(input.logs ? [{ logs: input.logs }] : [])]
    const { hash: parentHash } = parent.block
    const state = nextState(parent.state, input, needs, `${parentHash}${input.salt ?? ''}`)
    let logs = 0
    const transactions = inputs.map((one, index) => {
      const tx = buildTransaction(one, hashOf(parentHash, input.salt ?? ''), index, logs)
      logs += tx.logs.length
      return tx
    })
    const timestampS = input.timestampS ?? parent.block.timestampS + (input.afterS ?? 12)
    if (timestampS < parent.block.timestampS)
      throw new Error('A block cannot be older than its parent.')
    const facts = [state.calls, state.storage, state.balances, state.code].map((map) =>
      [...map].map(([key, value]) => [key, String(typeof value === 'symbol' ? 'reverts' : value)]),
    )
    const { findings = [] } = input
    const salt = `${input.salt ?? ''}${findings.length > 0 ? JSON.stringify(findings) : ''}`
    const made = freeze<FakeBlock>({
      block: {
        ...headerAt(options.id, parent.block.number + 1, timestampS),
        hash: hashOf('block', parentHash, timestampS, transactions, facts, salt),
        parentHash,
        logsBloom: computeLogsBloom(transactions.flatMap((tx) => tx.logs)),
        transactions,
      },
      traces: transactions.flatMap((tx, index) => buildTraces(inputs[index] ?? {}, tx)),
      state,
      findings: structuredClone(findings),
    })
    known.set(made.block.hash, made)
    blocks.push(made)
    return made
  }

  return {
    source: {
      chainId: options.id,
      name: options.name,
      reader: createFakeReader((hash) => find(hash).state),
      inputs: async (block, hashes) =>
        find(block.hash).block.transactions.flatMap((tx) =>
          hashes.includes(tx.hash)
            ? [{ hash: tx.hash, input: tx.input ?? '0x', valueWei: tx.value ?? 0n }]
            : [],
        ),
      traces: async (block, hashes) =>
        find(block.hash).traces.filter(
          ({ txHash }) => hashes === undefined || hashes.includes(txHash),
        ),
      storageHash: async (address, hash) => {
        const { roots, anyRoot } = find(hash).state
        return roots.get(lower(address)) ?? anyRoot
      },
    },
    head,
    extend,
    append: (block) => {
      if (block.block.parentHash !== head().block.hash)
        throw new Error('The block does not follow the head.')
      known.set(block.block.hash, block)
      blocks.push(block)
    },
    rewind: (n) => {
      if (n >= blocks.length)
        throw new Error(`There are only ${blocks.length - 1} blocks to take off.`)
      return n === 0 ? [] : blocks.splice(-n).reverse()
    },
  }
}
