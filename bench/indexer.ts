import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { findFreePort } from '../core/base/index.ts'
import { startEmbeddedPostgres } from '../core/store/index.ts'
import { startAnvil } from '../core/testing/index.ts'
import { deployDemo } from '../demo/contracts/index.ts'
import { playTraffic } from '../demo/traffic.ts'
import { endOnSignal } from './support/endOnSignal.ts'
import { createPonderApp, type IndexedByPonder } from './support/ponderApp.ts'
import { startReplayNode } from './support/replayNode.ts'
import { median, printTable, printVerdicts } from './support/report.ts'
import { processorTime, timeToReady } from './support/timeToReady.ts'

endOnSignal()

/**
 * `tocsin run indexer` beside a bare Ponder app that stores the same events in one table: from the start of the
 * process to `/ready`, in turn, each time with a new database, on the same chain from the same recorded node. And once
 * more over Ponder's cache, without a promise: that tells what it costs to start a process of Tocsin and to store
 * transactions and typed rows beside the events, of which the bare app has none.
 */
const short = process.argv.includes('--short')
const BLOCKS = short ? 60 : 1_500
/** About 20 events a block. */
const TRANSACTIONS = 8
const ROUNDS = short ? 1 : 3
const LIMIT = 1.1
/** Not one of the ids of local chains, for which the indexer keeps no cache: as on any other chain. */
const CHAIN_ID = 424_242
/** More than Ponder counts until a block is final, so that every event belongs to the history. */
const LAST_BLOCKS = 64

const undo: (() => Promise<unknown>)[] = []
const folder = await mkdtemp(join(tmpdir(), 'tocsin-bench-'))
undo.push(() => rm(folder, { recursive: true, force: true }))
let failed = false
try {
  // As root, Postgres runs as another user, who must be able to enter.
  await chmod(folder, 0o755)
  const users = 32
  const anvil = await startAnvil({ chainId: CHAIN_ID, accounts: 12 + users })
  undo.push(anvil.stop)
  const mine = (): Promise<unknown> => anvil.rpc('evm_mine')
  console.log(`Indexer: ${BLOCKS} blocks of ${TRANSACTIONS} transactions, both programs in turn.`)
  const deployment = await deployDemo({ rpcUrl: anvil.url, users, mine })
  const { sent, reverted } = await playTraffic({
    deployment,
    seconds: BLOCKS,
    ratePerS: TRANSACTIONS,
    mine,
  })
  for (let block = 0; block < LAST_BLOCKS; block++) await mine()
  const head = Number(await anvil.rpc('eth_blockNumber'))
  const node = await startReplayNode(anvil.url, { logsUpTo: head })
  undo.push(node.stop)
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'postgres') })
  undo.push(postgres.stop)

  const { usd, weth, vote, vault, pair, pool, governor, timelock, safe } = deployment
  const kinds = {
    usd: ['token', usd, ', symbol: dUSD, decimals: 6'],
    weth: ['token', weth, ', symbol: WETH, decimals: 18'],
    vote: ['token', vote, ', symbol: dVOTE, decimals: 18'],
    vault: ['vault', vault, ', proxy: true'],
    pair: ['pool', pair, ', variant: uniswap-v2'],
    pool: ['pool', pool, ', variant: uniswap-v3'],
    governor: ['governor', governor, ''],
    timelock: ['timelock', timelock, ''],
    safe: ['multisig', safe, ', variant: safe'],
  } as const
  const contracts: readonly IndexedByPonder[] = Object.entries(kinds).map(
    ([name, [, contract]]) => ({ name, ...contract }),
  )
  for (const { name, abi } of contracts)
    await writeFile(join(folder, `${name}.json`), JSON.stringify(abi))
  const port = await findFreePort()
  const watchlist = join(folder, 'watchlist.yaml')
  await writeFile(
    watchlist,
    `version: 1
name: bench
dataDir: ${folder}/data
chains:
  local: { id: ${CHAIN_ID}, rpc: [{ http: ${node.url} }] }
watch:
${Object.entries(kinds)
  .map(
    ([name, [kind, { address, deployBlock }, rest]]) =>
      `  - { name: ${name}, kind: ${kind}, chain: local, address: ${address}, deployBlock: ${deployBlock}, abi: ${name}.json${rest} }`,
  )
  .join('\n')}
indexer: { port: ${port} }
metrics: { basePort: 0 }
`,
  )
  const bare = await createPonderApp({ chainId: CHAIN_ID, rpcUrl: node.url, contracts })
  undo.push(bare.stop)
  const main = fileURLToPath(new URL('../core/cli/main.js', import.meta.url))
  const programs = {
    tocsin: {
      command: [process.execPath, main, 'run', 'indexer', '--config', watchlist],
      environment: { ...process.env, LOG_LEVEL: 'warn' },
      table: 'indexer.event',
    },
    ponder: {
      command: bare.command(port, 'bare'),
      environment: bare.environment,
      cwd: bare.dir,
      table: 'bare.event',
    },
  } as const
  type Name = keyof typeof programs

  const query = async (url: string, text: string): Promise<Record<string, string>> => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      const { rows } = await client.query<Record<string, string>>(text)
      return rows[0] ?? {}
    } finally {
      await client.end()
    }
  }
  type Timed = {
    readonly wallS: number
    readonly cpuS: number
    readonly postgresS: number
    readonly requests: number
    readonly misses: number
    readonly events: number
    readonly digest: string
  }
  const start = async (name: Name, url: string): Promise<Timed> => {
    const { command, environment, table, ...rest } = programs[name]
    node.takeCounts()
    const postgresBefore = await processorTime(postgres.pid)
    const run = await timeToReady(command, {
      ...rest,
      url: `http://127.0.0.1:${port}/ready`,
      environment: { ...environment, DATABASE_URL: url },
      limitS: 900,
    })
    try {
      const postgresS = (await processorTime(postgres.pid)) - postgresBefore
      const { requests, misses } = node.takeCounts()
      const { events = '', digest = '' } = await query(
        url,
        `select count(*) as events, md5(string_agg(concat_ws(' ', id, block_hash, tx_hash, address, thing, name,
          lower(args::text), topics::text, data, tx_from, tx_to), ',' order by id)) as digest from ${table}`,
      )
      const { wallS, cpuS } = run
      return { wallS, cpuS, postgresS, requests, misses, events: Number(events), digest }
    } finally {
      await run.stop()
    }
  }
  let databases = 0
  /** A first start in a new database, and another after the index, but not Ponder's cache of the chain, was dropped. */
  const indexTwice = async (name: Name) => {
    const database = `bench_${databases++}`
    await query(postgres.url, `create database ${database}`)
    const url = new URL(postgres.url)
    url.pathname = `/${database}`
    try {
      const cold = await start(name, url.href)
      await query(
        url.href,
        `do $$ declare s text; begin
          for s in select nspname from pg_namespace where nspname in ('indexer', 'bare') or nspname like 'idx\\_%'
          loop execute format('drop schema %I cascade', s); end loop; end $$`,
      )
      return { cold, cached: await start(name, url.href) }
    } finally {
      await query(postgres.url, `drop database ${database} with (force)`)
    }
  }

  // Once each uncounted: the node records its answers, so that neither side waits for anvil.
  console.log('  recording the node’s answers …')
  const [ours, theirs] = [await indexTwice('tocsin'), await indexTwice('ponder')]
  const { events, digest } = ours.cold
  console.log(
    `  events: tocsin ${events}, ponder ${theirs.cold.events}; ${sent} transactions, ${reverted} reverted`,
  )
  if (events === 0) throw new Error('nothing was indexed')
  const mustBeTheSame = ({ cold, cached }: { cold: Timed; cached: Timed }): void => {
    if (cold.digest !== digest || cached.digest !== digest)
      throw new Error('the two programs do not store the same events')
  }
  mustBeTheSame(ours)
  mustBeTheSame(theirs)

  const rounds: Record<Name, Awaited<ReturnType<typeof indexTwice>>>[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const tocsinFirst = round % 2 === 0
    const first = await indexTwice(tocsinFirst ? 'tocsin' : 'ponder')
    const second = await indexTwice(tocsinFirst ? 'ponder' : 'tocsin')
    mustBeTheSame(first)
    mustBeTheSame(second)
    rounds.push(tocsinFirst ? { tocsin: first, ponder: second } : { tocsin: second, ponder: first })
  }
  const compare = (which: 'cold' | 'cached'): number => {
    const rows = [['', 'wall s', 'events/s', 'cpu s', 'cpu s of Postgres', 'requests', 'misses']]
    for (const round of rounds)
      for (const name of ['tocsin', 'ponder'] as const) {
        const { wallS, cpuS, postgresS, requests, misses } = round[name][which]
        rows.push([
          name,
          wallS.toFixed(2),
          (events / wallS).toFixed(0),
          cpuS.toFixed(2),
          postgresS.toFixed(2),
          String(requests),
          String(misses),
        ])
      }
    printTable(rows)
    const wallsOf = (name: Name): number[] => rounds.map((round) => round[name][which].wallS)
    const ratios = rounds.map(({ tocsin, ponder }) => tocsin[which].wallS / ponder[which].wallS)
    console.log(
      `  median: tocsin ${median(wallsOf('tocsin')).toFixed(2)} s, ponder ${median(wallsOf('ponder')).toFixed(2)} s; pair by pair: ${ratios.map((ratio) => ratio.toFixed(2)).join(', ')}`,
    )
    return median(ratios)
  }
  console.log('  from the node:')
  const cold = compare('cold')
  console.log('  again from Ponder’s cache of the chain, without the node:')
  compare('cached')
  const verdicts = [
    {
      what: 'time to index from the node against a bare Ponder app, median of the pairs',
      measured: `${cold.toFixed(2)} x`,
      target: `<= ${LIMIT} x`,
      ok: cold <= LIMIT,
    },
  ]
  printVerdicts(verdicts)
  failed = !short && verdicts.some(({ ok }) => !ok)
} finally {
  for (const step of undo.reverse()) await step().catch(() => undefined)
}
process.exitCode = failed ? 1 : 0
