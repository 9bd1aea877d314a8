import { sql } from 'drizzle-orm'
import { formatUnits } from 'viem/utils'
import type { Database } from '../store/index.ts'
import { createRpcMetrics, type Meter, type RpcMetrics } from '../telemetry/index.ts'
import type { ExecutionRow } from './executionStore.ts'
import type { Readiness } from './readiness.ts'

/** What the signer's gauges are read from at each scrape. */
export type SignerSigns = {
  readonly policies: readonly string[]
  readonly faultyFiles: number
  readonly readiness: readonly Readiness[]
  /** Wei per chain name. */
  readonly balances: Readonly<Record<string, bigint>>
  /** Wei per chain name that the most expensive policy needs. */
  readonly needed: Readonly<Record<string, bigint>>
  readonly isHolder: boolean
  readonly isHalted: boolean
  readonly endpoints: readonly {
    readonly chain: string
    readonly name: string
    readonly ok: boolean
  }[]
}

export type SignerMetrics = {
  readonly rpc: RpcMetrics
  readonly onRefused: (actionId: string, code: string) => void
  readonly onFailed: (actionId: string, code: string) => void
  readonly onBroadcast: (row: ExecutionRow) => void
  readonly onEffect: (row: ExecutionRow) => void
  readonly onConfirmed: (row: ExecutionRow) => void
}

/** Every state that an execution can be in. */
const STATES: readonly ExecutionRow['status'][] = [
  'requested',
  'refused',
  'observed',
  'proposed',
  'sending',
  'sent',
  'mined',
  'succeeded',
  'failed',
  'not_needed',
]
/** From a pause within one block to one that waits hours for a person. */
const INTENT_BUCKETS = [
  0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 12, 30, 60, 120, 300, 900, 3_600, 21_600,
]
const ACTION = ['action'] as const
/** Ids in the database may be anybody's: only those of a policy file become labels. */
const UNKNOWN = 'unknown'

const sinceIntentS = (row: ExecutionRow): number => (Date.now() - row.requestedAt.getTime()) / 1_000
const asNative = (wei: bigint): number => Number(formatUnits(wei, 18))

/** Executions by action and state, counted in the database: right from the start and for every signer. */
const registerExecutions = (meter: Meter, db: Database, read: () => SignerSigns): void => {
  const executions = meter.gauge({
    name: 'tocsin_signer_executions',
    help: 'Executions that are in a state now, those that are over for ever included.',
    labels: [...ACTION, 'state'],
  })
  meter.onScrape(async () => {
    const { policies } = read()
    const { rows } = await db.execute<{ action: string; state: string; count: number }>(sql`
      select action_id as action, status as state, count(*)::int as count
      from tocsin.execution group by 1, 2`)
    const counts = new Map<string, number>()
    for (const { action, state, count } of rows) {
      const key = `${policies.includes(action) ? action : UNKNOWN}\n${state}`
      counts.set(key, (counts.get(key) ?? 0) + count)
    }
    executions.clear()
    for (const action of [...policies, UNKNOWN])
      for (const state of STATES)
        executions.set({ action, state }, counts.get(`${action}\n${state}`) ?? 0)
  })
}

/** Key, balance, policies and readiness, as the signer last saw them. */
const registerSigns = (meter: Meter, rpc: RpcMetrics, read: () => SignerSigns): void => {
  const chainGauge = (name: string, help: string) => meter.gauge({ name, help, labels: ['chain'] })
  const balance = chainGauge(
    'tocsin_signer_balance_native',
    "Balance of the signer's key in the chain's own coin.",
  )
  const needed = chainGauge(
    'tocsin_signer_balance_needed_native',
    'What the runs that must be covered cost for the most expensive policy at its fee cap.',
  )
  const policies = meter.gauge({
    name: 'tocsin_signer_policies',
    help: 'Policy files by whether they can be used.',
    labels: ['state'],
  })
  const ready = meter.gauge({
    name: 'tocsin_signer_policy_ready',
    help: '1 when every probe of the policy passes: code, right, balance, dry run, expiry.',
    labels: ACTION,
  })
  const probes = meter.gauge({
    name: 'tocsin_signer_probe_ok',
    help: '1 when a readiness probe of a policy passes.',
    labels: [...ACTION, 'probe'],
  })
  const holder = meter.gauge({
    name: 'tocsin_signer_key_held',
    help: '1 when this signer alone may use the key, 0 when it stands by.',
  })
  const halted = meter.gauge({
    name: 'tocsin_signer_halted',
    help: '1 while the kill switch is on.',
  })
  const showReadiness = (readiness: SignerSigns['readiness']): void => {
    for (const { policy, ready: isReady, probes: results } of readiness) {
      ready.set({ action: policy }, isReady ? 1 : 0)
      for (const { name, ok } of results) probes.set({ action: policy, probe: name }, ok ? 1 : 0)
    }
  }
  meter.onScrape(() => {
    const signs = read()
    for (const gauge of [balance, needed, ready, probes]) gauge.clear()
    for (const [chain, wei] of Object.entries(signs.balances)) balance.set({ chain }, asNative(wei))
    for (const [chain, wei] of Object.entries(signs.needed)) needed.set({ chain }, asNative(wei))
    policies.set({ state: 'loaded' }, signs.policies.length)
    policies.set({ state: 'faulty' }, signs.faultyFiles)
    showReadiness(signs.readiness)
    holder.set({}, signs.isHolder ? 1 : 0)
    halted.set({}, signs.isHalted ? 1 : 0)
    for (const { chain, name, ok } of signs.endpoints) rpc.onHealth(chain, { name, ok })
  })
}

/** Everything that the signer tells Prometheus. */
export const createSignerMetrics = (
  meter: Meter,
  db: Database,
  read: () => SignerSigns,
): SignerMetrics => {
  const rpc = createRpcMetrics(meter)
  registerExecutions(meter, db, read)
  registerSigns(meter, rpc, read)
  const reasons = (name: string, help: string) => {
    const counter = meter.counter({ name, help, labels: [...ACTION, 'reason'] })
    return (actionId: string, code: string): void => {
      const action = read().policies.includes(actionId) ? actionId : UNKNOWN
      counter.add({ action, reason: code })
    }
  }
  const since = (name: string, help: string) => {
    const histogram = meter.histogram({ name, help, labels: ACTION, buckets: INTENT_BUCKETS })
    return (row: ExecutionRow): void =>
      histogram.observe({ action: row.actionId }, sinceIntentS(row))
  }
  return {
    rpc,
    onRefused: reasons('tocsin_signer_refusals_total', 'Executions refused, by reason code.'),
    onFailed: reasons('tocsin_signer_failures_total', 'Executions that failed, by reason code.'),
    onBroadcast: since(
      'tocsin_signer_intent_to_broadcast_seconds',
      'From the commit of the intent to the first broadcast, waiting for an approval included.',
    ),
    onEffect: since(
      'tocsin_signer_intent_to_effect_seconds',
      'From the commit of the intent to the effect being read on chain.',
    ),
    onConfirmed: since(
      'tocsin_signer_intent_to_confirmed_seconds',
      'From the commit of the intent to the effect being out of reach of a reorg.',
    ),
  }
}
