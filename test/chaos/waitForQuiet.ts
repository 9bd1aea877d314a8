import { sleep } from '../../core/base/index.ts'
import { readWatchedLogs } from './readWatchedLogs.ts'
import type { World } from './startWorld.ts'

const LIMIT_MS = 120_000

/** What is still under way; empty when nothing is. */
const findUnrest = async ({ stack, events }: World): Promise<readonly string[]> => {
  const { anvil, store } = stack
  const head = await anvil.rpc<{ number: string; hash: string }>('eth_getBlockByNumber', [
    'latest',
    false,
  ])
  const count = async (what: string, query: string): Promise<string[]> => {
    const { rows } = await store.pool.query<{ n: number }>(query)
    const n = rows[0]?.n ?? 0
    return n > 0 ? [`${n} ${what}`] : []
  }
  const cursor = await store.pool.query<{ number: string; hash: string }>(
    'select number, hash from tocsin.chain_cursor where chain_id = $1',
    [anvil.chainId],
  )
  const at = cursor.rows[0]
  const indexed = await store.pool.query<{ n: number }>(
    'select count(*)::int as n from indexer.event',
  )
  const missing = (await readWatchedLogs(stack)).length - (indexed.rows[0]?.n ?? 0)
  const recorded = await store.pool.query<{ n: number }>(
    "select count(*)::int as n from tocsin.finding where alert_id = 'PROCESS-RESTARTED'",
  )
  const unrecorded = countRestarts(events) - (recorded.rows[0]?.n ?? 0)
  return [
    ...(at?.hash === head.hash
      ? []
      : [`the watcher stands at ${at?.number} of ${Number(head.number)}`]),
    ...(await count(
      'findings in the queue',
      'select count(*)::int as n from tocsin.finding_queue',
    )),
    ...(await count(
      'messages in the outbox',
      "select count(*)::int as n from tocsin.outbox where status = 'pending'",
    )),
    ...(await count(
      'executions under way',
      "select count(*)::int as n from tocsin.execution where status in ('requested', 'proposed', 'sending', 'sent', 'mined')",
    )),
    ...(missing === 0 ? [] : [`${missing} logs not indexed`]),
    ...(unrecorded <= 0 ? [] : [`${unrecorded} restarts not recorded`]),
  ]
}

/** Restarts that the supervisor told of. */
export const countRestarts = (events: readonly string[]): number =>
  events.filter((event) => event.endsWith('starting it again.')).length

/** Waits until feed, notifier, channels, signer and indexer have nothing left to do. @throws when that does not come */
export const waitForQuiet = async (world: World): Promise<void> => {
  const deadline = Date.now() + LIMIT_MS
  for (let quiet = 0; quiet < 3; ) {
    const unrest = await findUnrest(world).catch((error: unknown) => [String(error)])
    quiet = unrest.length === 0 ? quiet + 1 : 0
    if (Date.now() > deadline)
      throw new Error(`not quiet after ${LIMIT_MS / 1_000} s: ${unrest.join('; ')}`)
    await sleep(300)
  }
}
