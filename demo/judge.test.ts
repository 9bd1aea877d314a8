import { expect, test } from 'vitest'
import type { AttackResult } from './attack.ts'
import type { AlertRow, ExecutionRow, FindingRow } from './followStory.ts'
import { type Evidence, EXPECTED, judge, MEMORY_LIMIT_BYTES } from './judge.ts'
import type { Delivery } from './receiveWebhooks.ts'

const ATTACK_BLOCK = 100
const NOW = new Date(0)
const TEXTS: Readonly<Record<string, string>> = {
  "the vault's silent admin function is called": 'setFeeRecipient(address) was called',
}

const finding = (values: Partial<FindingRow>): FindingRow => ({
  id: `${values.botId}-${values.thing}-${values.name}`,
  seq: 1,
  botId: 'tvl-drop',
  botVersion: '1.0.0',
  alertId: 'X',
  alertKind: 'event',
  condition: null,
  chainId: 31_337,
  blockNumber: ATTACK_BLOCK,
  blockHash: '0x00',
  blockTimestampS: 0,
  txHash: null,
  uniqueKey: '',
  name: 'A role was granted',
  description: '',
  severity: 'Critical',
  type: 'Exploit',
  thing: null,
  owner: null,
  protocol: null,
  metadata: {},
  addresses: [],
  labels: [],
  status: 'provisional',
  latencyMs: 12,
  createdAt: NOW,
  finalizedAt: null,
  retractedAt: null,
  revision: 1,
  ...values,
})

const findings = EXPECTED.map(({ bot, thing, what }) =>
  finding({ botId: bot, thing, alertId: what, name: TEXTS[what] ?? 'A role was granted' }),
)
const alertOf = (row: FindingRow): AlertRow =>
  ({
    id: `a_${row.id}`,
    botId: row.botId,
    thing: row.thing,
    alertId: row.alertId,
    severity: 'SEV1',
  }) as AlertRow
const deliveryOf = (row: AlertRow): Delivery =>
  ({ alert: row.id, bot: row.botId, thing: row.thing, alertId: row.alertId }) as Delivery
const alerts = findings.map(alertOf)

const evidence = (changes: Partial<Evidence> = {}): Evidence => ({
  findings,
  alerts,
  executions: [
    { actionId: 'pause-vault', status: 'succeeded', minedBlock: 103, reason: null } as ExecutionRow,
  ],
  deliveries: alerts.map(deliveryOf),
  refused: 0,
  attackBlock: ATTACK_BLOCK,
  attack: { drains: 2, stopped: 6, isPaused: true } as AttackResult,
  memoryBytes: MEMORY_LIMIT_BYTES - 1,
  restarts: 0,
  ...changes,
})
const failing = (changes: Partial<Evidence>): readonly string[] =>
  judge(evidence(changes))
    .rows.filter(({ ok }) => !ok)
    .map(({ what }) => what)

test('default: all that was expected and nothing else passes', () => {
  expect(judge(evidence()).passed).toBe(true)
})

test.each(EXPECTED)(
  'behavior: it fails without a finding, an alert or a message that $what',
  ({ what }) => {
    const place = EXPECTED.findIndex((expected) => expected.what === what)
    const others = <T>(items: readonly T[]): readonly T[] => items.filter((_, i) => i !== place)
    expect(failing({ findings: others(findings) })).toEqual([what])
    expect(failing({ alerts: others(alerts) })).toEqual([what])
    expect(failing({ deliveries: others(alerts.map(deliveryOf)) })).toEqual([what])
  },
)

test('behavior: ordinary traffic may raise SEV4 and nothing graver', () => {
  const early = (severity: string): readonly FindingRow[] => [
    ...findings,
    finding({ severity, blockNumber: ATTACK_BLOCK - 1, botId: 'large-transfer', thing: 'dusd' }),
  ]
  expect(failing({ findings: early('Low') })).toEqual([])
  expect(failing({ findings: early('Medium') })).toEqual(['nothing unexpected'])
})

test('behavior: during the attack only what the attack explains is expected', () => {
  const beside = (bot: string, thing: string): readonly FindingRow[] => [
    ...findings,
    finding({ botId: bot, thing }),
  ]
  expect(failing({ findings: beside('tvl-drop', 'dusd-weth-v2') })).toEqual([])
  expect(failing({ findings: beside('admin-call', 'demo-safe') })).toEqual(['nothing unexpected'])
  const self = finding({ botId: 'tocsin', chainId: 0, blockNumber: 0, severity: 'Medium' })
  expect(failing({ findings: [...findings, self] })).toEqual(['nothing unexpected'])
})

test('behavior: a pause that failed, came twice or stopped nothing fails', () => {
  const [execution] = evidence().executions
  if (execution === undefined) throw new Error('no execution')
  expect(failing({ executions: [] })).toEqual(['the vault is paused, once'])
  expect(failing({ executions: [{ ...execution, status: 'mined' }] })).toEqual([
    'the vault is paused, once',
  ])
  expect(failing({ executions: [execution, execution] })).toEqual(['the vault is paused, once'])
  expect(failing({ attack: { ...evidence().attack, stopped: 0 } })).toEqual([
    'further drains revert',
  ])
})

test('behavior: a refused message, a restart, and memory at the limit fail', () => {
  expect(failing({ refused: 1 })).toEqual(['only signed messages, only about the attack'])
  expect(failing({ restarts: 1 })).toEqual(['no process died'])
  expect(failing({ memoryBytes: MEMORY_LIMIT_BYTES })).toEqual(['memory below 1.5 GB'])
})
