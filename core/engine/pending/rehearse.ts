import { getContractAddress } from 'viem/utils'
import { type Address, type Hex, PENDING_PREFIX, stableHash } from '../../base/index.ts'
import {
  computeLogsBloom,
  createPendingState,
  type PendingTransaction,
  type SimulatePending,
  type StateAnswer,
} from '../../chain/index.ts'
import type {
  CallTrace,
  ChainBlock,
  ChainHeader,
  ChainSource,
  ChainTransaction,
} from '../../chain/types.ts'
import type { Logger } from '../../telemetry/index.ts'
import type { Matched } from '../compileFilter.ts'
import { makeDeclaredReads, type ReadAnswers } from '../declaredReads.ts'
import type { FindingRow } from '../engineStore.ts'
import { runBot } from '../runBot.ts'
import { runRounds } from '../runRounds.ts'
import type { Cast } from './cast.ts'

export type RehearsalOptions = {
  readonly cast: Cast
  /** Of the chain as it is. */
  readonly source: ChainSource
  readonly simulate: SimulatePending
  /** Where bots want call traces; undefined where none can be had. */
  readonly trace?: ((tx: PendingTransaction) => Promise<readonly CallTrace[]>) | undefined
  /** The last committed block. */
  readonly head: ChainHeader
  readonly blockTimeS: number
  /** In their order; what they do, all together, is found. */
  readonly transactions: readonly PendingTransaction[]
  /** How the declared reads answer in a block without any transaction; undefined to run every bot. */
  readonly baseAnswers: readonly StateAnswer[] | undefined
  readonly log: Logger
}

export type Rehearsal = {
  readonly block: ChainBlock
  /** False when nothing that anybody watches is touched: no bot ran. */
  readonly isTouched: boolean
  readonly rows: readonly FindingRow[]
  readonly answers: readonly StateAnswer[]
}

const lowest = (a: bigint, b: bigint): bigint => (a < b ? a : b)

/** A header that no chain has, told apart from every other by what would be in the block. */
const makeHeader = (options: RehearsalOptions): ChainHeader => {
  const { head, transactions } = options
  const hashes = transactions.map(({ hash }) => hash)
  return {
    ...head,
    number: head.number + 1,
    hash: `0x${stableHash('pending', head.hash, hashes)}` as Hex,
    parentHash: head.hash,
    timestampS: head.timestampS + options.blockTimeS,
  }
}

const isSame = (a: readonly StateAnswer[], b: readonly StateAnswer[]): boolean =>
  a.length === b.length &&
  a.every(({ ok, data }, index) => ok === b[index]?.ok && data === b[index]?.data)

const makeBlock = (
  options: RehearsalOptions,
  header: ChainHeader,
  results: Awaited<ReturnType<ReturnType<typeof createPendingState>['transactions']>>,
): ChainBlock => {
  const base = header.baseFeePerGasWei ?? 0n
  let logIndex = 0
  const transactions = options.transactions.map((tx, index): ChainTransaction => {
    const result = results[index]
    const isReverted = result?.status !== 'success'
    return {
      hash: tx.hash,
      index,
      from: tx.from,
      to: tx.to,
      input: tx.input,
      value: tx.valueWei,
      status: isReverted ? 'reverted' : 'success',
      gasUsed: result?.gasUsed ?? 0n,
      effectiveGasPriceWei: lowest(tx.maxFeePerGasWei, base + tx.maxPriorityFeePerGasWei),
      contractAddress:
        tx.to === null
          ? (getContractAddress({
              from: tx.from,
              nonce: BigInt(tx.nonce),
            }).toLowerCase() as Address)
          : null,
      logs: (result?.logs ?? []).map((log) => ({
        ...log,
        logIndex: logIndex++,
        txHash: tx.hash,
        txIndex: index,
      })),
    }
  })
  return {
    ...header,
    logsBloom: computeLogsBloom(transactions.flatMap(({ logs }) => logs)),
    gasUsed: transactions.reduce((sum, { gasUsed }) => sum + gasUsed, 0n),
    transactions,
    seenAtMs: options.transactions.at(-1)?.seenAtMs ?? performance.timeOrigin + performance.now(),
    catchingUp: false,
  }
}

const pendingId = (row: FindingRow, tx: PendingTransaction): string =>
  stableHash('pending', row.botId, row.alertId, row.chainId, row.txHash ?? tx.hash, row.uniqueKey)

/** A finding of the made-up block as one of the transaction, on top of the block that exists. */
const toPending = (row: FindingRow, head: ChainHeader, tx: PendingTransaction): FindingRow => {
  const txHash = row.txHash ?? tx.hash
  return {
    ...row,
    id: pendingId(row, tx),
    blockNumber: head.number,
    blockHash: head.hash,
    blockTimestampS: head.timestampS,
    txHash,
    description: `${PENDING_PREFIX}${row.description}`.slice(0, 2_000),
    status: 'pending',
    metadata: {
      ...row.metadata,
      pendingOn: String(head.number),
      pendingFrom: tx.from,
      pendingNonce: String(tx.nonce),
      pendingTipWei: String(tx.maxPriorityFeePerGasWei),
    },
  }
}

type Scene = {
  readonly header: ChainHeader
  readonly transactions: readonly ChainTransaction[]
  readonly reader: ChainSource['reader']
  readonly matched: readonly (Matched | undefined)[]
  readonly traced: readonly boolean[]
  readonly answers: ReadAnswers
}

const runCast = async (options: RehearsalOptions, scene: Scene): Promise<readonly FindingRow[]> => {
  const { cast, source, log } = options
  const { header, reader } = scene
  const last = options.transactions.at(-1)
  const runs = await runRounds({
    needs: cast.members.map(({ needs }) => needs),
    isSerial: false,
    // Under the id by which it is committed.
    toAlertRow: (row) => (last ? { ...row, id: pendingId(row, last) } : row),
    run: async (index, alerts) => {
      const member = cast.members[index]
      if (!member) return undefined
      const matched = scene.matched[index]
      const isWanted = matched !== undefined || member.needs.everyBlock || alerts.length > 0
      if (!isWanted || !member.isFit(header)) return undefined
      return runBot({
        bot: member.bot,
        source: { ...source, reader },
        header,
        matched,
        memory: member.memory,
        traced: scene.traced[index] ?? false,
        everyBlock: member.needs.everyBlock,
        initializeAt: undefined,
        answers: scene.answers[index],
        alerts,
        transactions: scene.transactions,
        labels: cast.labels,
        byAddress: member.byAddress,
        mark: member.mark,
        openHandlers: member.openHandlers,
        log: () => undefined,
      })
    },
  })
  for (const [index, run] of runs.entries())
    if (run && run.faults.length > 0)
      log.debug(
        { bot: cast.members[index]?.bot.definition.id, faults: run.faults.slice(0, 3) },
        'A bot failed over a pending transaction.',
      )
  return runs.flatMap((run) => run?.rows ?? [])
}

/**
 * Runs the bots over a block that holds the given transactions and nothing else, on top of the last committed one. What
 * bots write is thrown away. Only what holds is kept: what has ended or cannot be told is the chain's to say.
 * @throws when the chain's data cannot be had
 */
export const rehearse = async (options: RehearsalOptions): Promise<Rehearsal> => {
  const { cast, head, transactions, baseAnswers } = options
  const header = makeHeader(options)
  const state = createPendingState({
    simulate: options.simulate,
    reader: options.source.reader,
    head,
    hash: header.hash,
    timestampS: header.timestampS,
    transactions,
  })
  const needs = cast.members.map((member) => member.needs)
  const last = transactions.at(-1)
  const { trace } = options
  const isTracing = trace !== undefined && last && needs.some(({ traces }) => traces !== undefined)
  const [results, answers, first, calls] = await Promise.all([
    state.transactions(),
    makeDeclaredReads(state.reader, needs, header.hash),
    state.firstAnswers(),
    isTracing ? trace(last).catch(() => undefined) : undefined,
  ])
  const block = makeBlock(options, header, results)
  const traced = needs.map(({ traces }) => traces !== undefined && calls !== undefined)
  const scan = cast.filter.scan(block)
  const matched = cast.filter.match(
    scan,
    block.transactions,
    (calls ?? []).map((call) => ({ ...call, txIndex: transactions.length - 1 })),
    (bot) => traced[bot] ?? false,
  )
  const isTouched =
    baseAnswers === undefined || matched.some(Boolean) || !isSame(first, baseAnswers)
  if (!isTouched) return { block, isTouched, rows: [], answers: first }
  const { logsBloom, gasUsed } = block
  const scene = {
    header: { ...header, logsBloom, gasUsed },
    transactions: block.transactions,
    reader: state.reader,
    matched,
    traced,
    answers,
  }
  const rows = await runCast(options, scene)
  return {
    block,
    isTouched,
    rows: rows
      .filter(({ condition }) => condition === null || condition === 'holds')
      .map((row) => (last ? toPending(row, head, last) : row)),
    answers: first,
  }
}
