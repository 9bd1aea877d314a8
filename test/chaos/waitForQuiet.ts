import { sleep } from '../../core/base/index.ts'
import { readWatchedLogs } from './readWatchedLogs.ts'
import type { World } from './startWorld.ts'

const LIMIT_MS = 120_000

/** Blocks without anything in them that end every world. */
const EPILOGUE_BLOCKS = 3

/** What the indexer has not done yet. */
const findIndexerUnrest = async ({ stack }: World): Promise<readonly string[]> => {
  const indexed = await stack.store.pool.query<{ n: number }>(
    'select count(*)::int as n from indexer.event',
  )
  const missing = (await readWatchedLogs(stack)).length - (indexed.rows[0]?.n ?? 0)
  return missing === 0 ? [] : [`${missing} logs not indexed`]
}

/** Processes that did not say yet that all is well with them. */
const findUnwell = async ({ stack }: World): Promise<readonly string[]> => {
  const { rows } = await stack.store.pool.query<{ name: string; pid: number; status: string }>(
    'select name, pid, status from tocsin.process_status',
  )
  return stack.supervisor
    .processes()
    .filter(
      ({ name, pid }) =>
        !rows.some((row) => row.name === name && row.pid === pid && row.status === 'ok'),
    )
    .map(({ name }) => `the ${name} is not well`)
}

/** What is still under way but for the index; empty when nothing is. */
const findUnrest = async (world: World): Promise<readonly string[]> => {
  const { stack, events } = world
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
    ...(unrecorded <= 0 ? [] : [`${unrecorded} restarts not recorded`]),
  ]
}

/** Restarts that the supervisor told of. */
export const countRestarts = (events: readonly string[]): number =>
  events.filter((event) => event.endsWith('starting it again.')).length

const until = async (look: () => Promise<readonly string[]>): Promise<void> => {
  const deadline = Date.now() + LIMIT_MS
  for (let quiet = 0; quiet < 3; ) {
    const unrest = await look().catch((error: unknown) => [String(error)])
    quiet = unrest.length === 0 ? quiet + 1 : 0
    if (Date.now() > deadline)
      throw new Error(`not quiet after ${LIMIT_MS / 1_000} s: ${unrest.join('; ')}`)
    await sleep(300)
  }
}

/**
 * Waits until feed, notifier, channels, signer and indexer have nothing left to do. Ponder takes up a block that it
 * missed when the next one comes, so a few empty blocks follow once all processes are up: chains do not stand still.
 * @throws when that does not come
 */
export const waitForQuiet = async (world: World): Promise<void> => {
  await until(async () => [...(await findUnrest(world)), ...(await findUnwell(world))])
  for (let block = 0; block < EPILOGUE_BLOCKS; block++) {
    await world.gate.alone(() => world.stack.anvil.rpc('evm_mine'))
    await sleep(500)
  }
  await until(async () => [...(await findUnrest(world)), ...(await findIndexerUnrest(world))])
}
