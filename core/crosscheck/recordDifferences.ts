import { sql } from 'drizzle-orm'
import { SELF_BOT_ID } from '../base/index.ts'
import type { DatabaseTransaction } from '../store/index.ts'
import { recordSelfFinding } from '../telemetry/index.ts'
import type { Difference } from './compareReaders.ts'
import { explainDifference, nameEvents } from './explainDifference.ts'

const ALERT_ID = 'READERS-DISAGREE'
/** Differences of a chain that are told one by one within an hour; the rest are told together. */
const TOLD_ALONE = 20
const HOUR_MS = 3_600_000

type Chain = { readonly id: number; readonly name: string }

const countTold = async (tx: DatabaseTransaction, chain: Chain): Promise<number> => {
  const { rows } = await tx.execute(sql`
    select count(*) as n from tocsin.finding
    where bot_id = ${SELF_BOT_ID} and alert_id = ${ALERT_ID} and metadata->>'chain' = ${chain.name}
      and created_at > now() - interval '1 hour'`)
  return Number(rows[0]?.['n'] ?? 0)
}

const recordOne = async (
  tx: DatabaseTransaction,
  chain: Chain,
  difference: Difference,
): Promise<void> => {
  const { blockNumber, address, thing, watcher, index } = difference
  const { lacking, indexLacks, watcherLacks, description } = await explainDifference(
    tx,
    chain.id,
    difference,
  )
  await recordSelfFinding(tx, {
    alertId: ALERT_ID,
    name: `Watcher and index disagree on ${thing} in block ${blockNumber}`,
    description: `Block ${blockNumber} of ${chain.name}, ${thing} (${address}): ${description} One of the two, or the node that it reads, is wrong about this block.`,
    severity: 'High',
    uniqueKey: `${chain.id}:${blockNumber}:${address}`,
    // One alert for each contract, however many blocks of it differ.
    addresses: [address],
    metadata: {
      chain: chain.name,
      block: String(blockNumber),
      address,
      thing,
      lacks: lacking,
      ...(watcher ? { watcherBlockHash: watcher.blockHash } : {}),
      ...(index ? { indexBlockHash: index.blockHash } : {}),
      ...(indexLacks.length > 0 ? { indexLacks: nameEvents(indexLacks) } : {}),
      ...(watcherLacks.length > 0 ? { watcherLacks: nameEvents(watcherLacks) } : {}),
    },
  })
}

/**
 * Records one finding per block and address, once. Where very much differs, the rest of the hour is one finding:
 * hundreds of pages would say no more.
 */
export const recordDifferences = async (
  tx: DatabaseTransaction,
  chain: Chain,
  differences: readonly Difference[],
): Promise<void> => {
  if (differences.length === 0) return
  const alone = Math.max(0, TOLD_ALONE - (await countTold(tx, chain)))
  for (const difference of differences.slice(0, alone)) await recordOne(tx, chain, difference)
  const [first] = differences.slice(alone)
  if (!first) return
  await recordSelfFinding(tx, {
    alertId: `${ALERT_ID}-WIDELY`,
    name: `Watcher and index disagree on much of ${chain.name}`,
    description: `More than ${TOLD_ALONE} blocks and addresses differ within an hour; from block ${first.blockNumber} on they are counted only (\`tocsin status\`). One of the two, or the node that it reads, is wrong about this chain.`,
    severity: 'High',
    uniqueKey: `${chain.id}:${Math.floor(Date.now() / HOUR_MS)}`,
    metadata: { chain: chain.name, block: String(first.blockNumber) },
  })
}
