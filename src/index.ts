import { ponder } from 'ponder:registry'
import * as tables from 'ponder:schema'
import type { Hex } from 'viem'
import { argsOf } from './decodeLog.ts'
import { CONTROL_READERS } from './readControl.ts'
import { MONEY_READERS } from './readMoney.ts'
import { argsAt, type Reader } from './rows.ts'
import { findWatched, listWatched } from './watched.ts'

const READERS: ReadonlyMap<string, Reader> = new Map(
  Object.entries({ ...MONEY_READERS, ...CONTROL_READERS }),
)

const TYPED = {
  transfer: tables.transfer,
  approval: tables.approval,
  roleChange: tables.roleChange,
  ownershipChange: tables.ownershipChange,
  upgrade: tables.upgrade,
  pauseChange: tables.pauseChange,
  liquidityChange: tables.liquidityChange,
  governanceStep: tables.governanceStep,
  timelockStep: tables.timelockStep,
  safeChange: tables.safeChange,
}

/** Padded, so that the order of the texts is the order on the chain: cursors follow it. */
const idOf = (chainId: number, blockNumber: number, logIndex: number): string =>
  `${chainId}-${String(blockNumber).padStart(12, '0')}-${String(logIndex).padStart(6, '0')}`

const last = new Map<number, { readonly key: string; readonly logIndex: number }>()

/**
 * False for a log that follows another of its transaction, whose row is there then. A log that comes a second time, after
 * a rollback or a retry, is not later than the one before it: that counts as first.
 */
const isFirstOfTransaction = (chainId: number, key: string, logIndex: number): boolean => {
  const before = last.get(chainId)
  last.set(chainId, { key, logIndex })
  return before === undefined || before.key !== key || logIndex <= before.logIndex
}

ponder.on('Watched:setup', async ({ context }) => {
  for (const { chainId, address, name, kind, startBlock } of listWatched(context.chain.id))
    await context.db
      .insert(tables.contract)
      .values({ chainId, address, name, kind, startBlock })
      .onConflictDoNothing()
})

ponder.on('Watched:Log', async ({ event, context }) => {
  const chainId = context.chain.id
  const { log, block, transaction } = event
  const watched = findWatched(chainId, log.address)
  if (!watched) return
  const { db } = context
  const topics = (log.topics as readonly (Hex | null | undefined)[]).filter(
    (topic): topic is Hex => topic !== null && topic !== undefined,
  )
  const state = watched.followsImplementation
    ? await db.find(tables.proxyState, { chainId, address: watched.address })
    : null
  const decoded = watched.decode(topics, log.data, state?.implementation)
  const blockNumber = Number(block.number)
  const timestamp = Number(block.timestamp)
  const place = {
    id: idOf(chainId, blockNumber, log.logIndex),
    chainId,
    blockNumber,
    timestamp,
    txHash: transaction.hash,
    address: watched.address,
  }
  if (isFirstOfTransaction(chainId, `${block.hash} ${transaction.hash}`, log.logIndex))
    await db
      .insert(tables.transaction)
      .values({
        chainId,
        hash: transaction.hash,
        blockNumber,
        blockHash: block.hash,
        timestamp,
        txIndex: transaction.transactionIndex,
        fromAddress: transaction.from,
        toAddress: transaction.to,
        value: transaction.value,
        selector: transaction.input.slice(0, 10) as Hex,
      })
      .onConflictDoNothing()
  await db.insert(tables.event).values({
    ...place,
    blockHash: block.hash,
    txIndex: transaction.transactionIndex,
    logIndex: log.logIndex,
    thing: watched.name,
    name: decoded?.event.name ?? null,
    args: decoded ? argsOf(decoded) : null,
    topics,
    data: log.data,
    txFrom: transaction.from,
    txTo: transaction.to,
  })
  if (!decoded) return
  const row = READERS.get(decoded.event.signature)?.(argsAt(decoded), {
    place,
    kind: watched.kind,
    txFrom: transaction.from,
    decoded,
  })
  if (!row) return
  // The union `Row` ties each table to its values; the insert is typed for one table at a time.
  await db.insert(TYPED[row.table]).values({ ...place, ...row.values } as never)
  if (row.table === 'upgrade' && row.values.kind === 'implementation')
    await db
      .insert(tables.proxyState)
      .values({
        chainId,
        address: watched.address,
        implementation: row.values.implementation,
        sinceBlock: blockNumber,
      })
      .onConflictDoUpdate({
        implementation: row.values.implementation,
        sinceBlock: blockNumber,
      })
})
