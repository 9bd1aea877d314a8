import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { findFreePort, sleep } from '../core/base/index.ts'
import { type Supervisor, startSupervisor } from '../core/cli/supervisor.ts'
import { createMeter } from '../core/telemetry/index.ts'
import { programArgs } from './support/program.ts'
import { type Ground, startGround } from './support/stack.ts'

const PROCESSES = ['watcher', 'notifier', 'signer', 'indexer', 'console'] as const
const cleanups: (() => Promise<unknown>)[] = []
const pages = new Map<string, string>()
let ground: Ground

beforeAll(async () => {
  const basePort = await findFreePort(7)
  ground = await startGround({
    users: 2,
    anvil: { blockTimeS: 1 },
    watchlist: (text) =>
      text.replace(
        'metrics: { basePort: 0 }',
        `metrics: { basePort: ${basePort} }\nindexer: { port: ${basePort + 6} }
channels: { ops: { kind: console } }`,
      ),
  })
  cleanups.push(ground.stop)
  const meter = createMeter({ service: 'supervisor' })
  const supervisor: Supervisor = await startSupervisor({
    configFile: ground.configFile,
    dataDir: ground.dataDir,
    only: PROCESSES,
    program: programArgs('core/cli/main'),
    onLine: () => undefined,
    meter,
  })
  cleanups.push(supervisor.stop)
  const urls = PROCESSES.map((_, i) => `http://127.0.0.1:${basePort + i}/metrics`)
  const read = async (): Promise<void> => {
    for (const url of [...urls, `http://127.0.0.1:${basePort + 6}/metrics`]) {
      const answer = await fetch(url)
      if (!answer.ok) throw new Error(`${url} answers ${answer.status}`)
      pages.set(url, await answer.text())
    }
    pages.set('supervisor', (await meter.scrape()).body)
  }
  const signs = [
    /^tocsin_watcher_blocks_total\{.*\} [1-9]/m,
    /^tocsin_signer_balance_native/m,
    /^tocsin_indexer_lag_blocks/m,
    /^tocsin_watcher_head_to_commit_seconds_count\{.*\} [1-9]/m,
  ]
  for (const deadline = Date.now() + 60_000; ; await sleep(500)) {
    await read()
    const seen = [...pages.values()].join('\n')
    const missing = signs.filter((sign) => !sign.test(seen))
    if (missing.length === 0) return
    if (Date.now() > deadline) throw new Error(`never seen: ${missing.join(', ')}`)
  }
}, 180_000)

afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup()
})

/** Names of metrics in an expression: what Prometheus adds itself, functions, labels and durations are not among them. */
const metricsIn = (expression: string): readonly string[] => [
  ...new Set(
    expression.replace(/"[^"]*"/g, '').match(/\b(?:tocsin|ponder|process|nodejs)_[a-z0-9_]+\b/g) ??
      [],
  ),
]

const expressions = (): readonly { readonly where: string; readonly expr: string }[] => {
  const text = (path: string): string =>
    readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
  const rules = parse(text('deploy/prometheus/rules.yml')) as {
    groups: { rules: { alert: string; expr: string }[] }[]
  }
  const board = JSON.parse(text('deploy/grafana/dashboards/tocsin.json')) as {
    panels: { title: string; targets?: { expr: string }[] }[]
  }
  return [
    ...rules.groups.flatMap((group) =>
      group.rules.map(({ alert, expr }) => ({ where: `rule ${alert}`, expr })),
    ),
    ...board.panels.flatMap(({ title, targets }) =>
      (targets ?? []).map(({ expr }) => ({ where: `panel ${title}`, expr })),
    ),
  ]
}

/** What a process exports, by its TYPE line: a histogram counts with its three series. */
const exported = (): ReadonlySet<string> => {
  const names = new Set<string>()
  for (const [, name, kind] of [...pages.values()].join('\n').matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    names.add(name ?? '')
    if (kind === 'histogram')
      for (const end of ['bucket', 'sum', 'count']) names.add(`${name}_${end}`)
  }
  return names
}

test('behavior: every metric that a rule or a panel names is exported by the running processes', () => {
  const known = exported()
  const all = expressions()
  expect(all.length).toBeGreaterThan(50)
  const missing = all.flatMap(({ where, expr }) =>
    metricsIn(expr)
      .filter((name) => !known.has(name))
      .map((name) => `${where}: ${name}`),
  )
  expect(missing).toEqual([])
})

test('behavior: every metric of Tocsin is on a panel or in a rule, and named as Prometheus wants it', () => {
  const used = new Set(expressions().flatMap(({ expr }) => metricsIn(expr)))
  const types = [...[...pages.values()].join('\n').matchAll(/^# TYPE (tocsin_\S+) (\S+)$/gm)]
  const unused = new Set<string>()
  for (const [, name = '', kind] of types) {
    expect(name.endsWith('_total'), name).toBe(kind === 'counter')
    expect(name).not.toMatch(/_ms$|_milliseconds|_minutes/)
    const isUsed = [...used].some((one) => one === name || one.startsWith(`${name}_`))
    if (!isUsed) unused.add(name)
  }
  // For looking closer by hand.
  for (const name of [
    'tocsin_chain_finalized_block',
    'tocsin_cross_check_block',
    'tocsin_indexer_block',
    'tocsin_notifier_findings_folded_total',
    'tocsin_rpc_endpoint_head_block',
  ])
    unused.delete(name)
  expect([...unused]).toEqual([])
})

test('behavior: what is there from the start can be alerted on, and no label holds an address or a URL', () => {
  const seen = [...pages.values()].join('\n')
  for (const line of [
    /^tocsin_watcher_bot_enabled\{chain="local",bot="tvl-drop",service="watcher"\} 1$/m,
    /^tocsin_watcher_bot_failures_total\{chain="local",bot="tvl-drop",service="watcher"\} 0$/m,
    /^tocsin_signer_executions\{action="pause-vault",state="failed",service="signer"\} 0$/m,
    /^tocsin_signer_policies\{state="loaded",service="signer"\} 1$/m,
    /^tocsin_signer_balance_needed_native\{chain="local",service="signer"\} [\d.]+$/m,
    /^tocsin_notifier_deliveries_total\{channel="ops",outcome="dead",service="notifier"\} 0$/m,
    /^tocsin_outbox_oldest_seconds\{channel="ops",service="notifier"\} [\d.]+$/m,
    /^tocsin_alerts_open\{severity="SEV1",service="notifier"\} \d+$/m,
    /^tocsin_rpc_requests_total\{chain="local",endpoint="rpc-1",service="watcher"\} \d+$/m,
    /^tocsin_rpc_requests_total\{chain="local",endpoint="signer-1",service="signer"\} \d+$/m,
    /^tocsin_supervisor_restarts_total\{process="watcher",service="supervisor"\} 0$/m,
  ])
    expect(seen).toMatch(line)
  const ours = seen.split('\n').filter((line) => line.startsWith('tocsin_'))
  expect(ours.filter((line) => /0x[0-9a-fA-F]{40}|:\/\//.test(line))).toEqual([])
})
