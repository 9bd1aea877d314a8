import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Config } from '../core/config/index.ts'
import { startIntake } from '../core/intake/index.ts'
import { connectDatabase, migrateDatabase, startEmbeddedPostgres } from '../core/store/index.ts'
import { createLogger } from '../core/telemetry/index.ts'
import { endOnSignal } from './support/endOnSignal.ts'
import { percentile, printTable, printVerdicts, type Verdict } from './support/report.ts'

endOnSignal()

/** What a flood of one sender does to another: the latency of a calm one alone, and beside 64 connections that never pause. */
const short = process.argv.includes('--short')
const SECONDS = short ? 4 : 20
const LIMIT_MS = 100
const TOKEN = 'a token of the bench, long enough'.replaceAll(' ', '-')

type Told = { readonly counts: Readonly<Record<string, number>>; readonly times: readonly number[] }

const call = async (mode: 'calm' | 'flood', url: string): Promise<Told> => {
  const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const file = fileURLToPath(new URL(`./support/intakeCaller.${ending}`, import.meta.url))
  const child = fork(file, [mode, url, TOKEN, String(SECONDS)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const [told] = (await once(child, 'message')) as [Told]
  return told
}

const receiver = (name: string) => ({
  kind: 'alertmanager' as const,
  name,
  enabled: true,
  perMinute: 6_000,
  maxSeverity: 'High' as const,
  token: TOKEN,
  severityLabel: 'severity',
  severities: {},
})

const log = createLogger({ service: 'bench', level: 'error' })
const dataDir = await mkdtemp(join(tmpdir(), 'tocsin-bench-intake-'))
const postgres = await startEmbeddedPostgres({ dataDir })
try {
  const store = await connectDatabase({ url: postgres.url, name: 'bench' })
  await migrateDatabase(store)
  const intake = await startIntake({
    config: {
      chains: [],
      watch: [],
      intake: { host: '127.0.0.1', port: 0, receivers: [receiver('calm'), receiver('flood')] },
    } as unknown as Config,
    store,
    log,
  })
  const alone = await call('calm', `${intake.url}/in/calm`)
  const [beside, flood] = await Promise.all([
    call('calm', `${intake.url}/in/calm`),
    call('flood', `${intake.url}/in/flood`),
  ])
  const { rows } = await store.pool.query<{ n: string }>('select count(*) as n from tocsin.finding')
  const taken = [alone, beside, flood].reduce((sum, { counts }) => sum + (counts['200'] ?? 0), 0)
  const row = (name: string, { times }: Told): string[] => [
    name,
    ...[50, 95, 99].map((p) => `${percentile(times, p).toFixed(1)} ms`),
  ]
  printTable([
    ['calm sender', 'p50', 'p95', 'p99'],
    row('alone', alone),
    row('beside a flood', beside),
  ])
  console.log(`  the flood: ${JSON.stringify(flood.counts)} in ${SECONDS} s`)
  const verdicts: Verdict[] = [
    {
      what: 'p95 of the calm sender beside the flood',
      measured: `${percentile(beside.times, 95).toFixed(1)} ms`,
      target: `< ${LIMIT_MS} ms`,
      ok: percentile(beside.times, 95) < LIMIT_MS,
    },
    {
      what: 'deliveries of the calm sender that were refused',
      measured: String(beside.times.length - (beside.counts['200'] ?? 0)),
      target: '0',
      ok: beside.times.length === (beside.counts['200'] ?? 0),
    },
    {
      what: 'findings stored, and deliveries accepted',
      measured: `${rows[0]?.n} and ${taken}`,
      target: 'the same',
      ok: Number(rows[0]?.n) === taken,
    },
  ]
  printVerdicts(verdicts)
  if (!short && verdicts.some(({ ok }) => !ok)) process.exitCode = 1
  await intake.stop()
  await store.stop()
} finally {
  await postgres.stop()
  await rm(dataDir, { recursive: true, force: true })
}
