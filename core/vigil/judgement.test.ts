import { expect, test } from 'vitest'
import type { AlertMessage } from '../alerts/light.ts'
import { createDeadMan } from './deadMan.ts'
import { createLastGasp } from './lastGasp.ts'
import { type Facts, findProblems, type Limits, listReasons } from './problems.ts'
import { createStoreAway } from './storeAway.ts'

const T0 = Date.UTC(2026, 10, 21, 3, 0, 0)
const after = (seconds: number): Date => new Date(T0 + seconds * 1_000)
const LIMITS: Limits = {
  silence: { blocks: 10, leastS: 60 },
  lagBlocks: 20,
  outbox: { oldestS: 120, pending: 2_000 },
  canaryLateS: 60,
  hasSigner: true,
}
const facts = (more: Partial<Facts> = {}): Facts => ({
  now: after(0),
  processes: ['watcher', 'notifier', 'signer'].map((name) => ({
    name,
    status: 'ok',
    reason: '',
    heartbeatAt: after(-2),
  })),
  chains: [{ name: 'mainnet', number: 100, head: 101, progressAt: after(-5), blockTimeMs: 12_000 }],
  channels: [],
  oldestUnfoldedS: 0,
  canary: undefined,
  missedPings: 0,
  ...more,
})
const told = (more: Partial<Facts>, limits = LIMITS) =>
  findProblems(facts(more), limits).map(({ alertId, key }) => `${alertId} ${key}`)

test('behavior: what is well is no problem, up to each limit; beyond it is one', () => {
  const chain = { name: 'mainnet', number: 100, head: 100, blockTimeMs: 12_000 }
  const silent = (seconds: number) => ({ chains: [{ ...chain, progressAt: after(-seconds) }] })
  expect(told({})).toEqual([])
  expect(told(silent(120))).toEqual([])
  expect(told(silent(121))).toEqual(['CHAIN-SILENT mainnet'])
  // A fast chain has the least time all the same.
  const fast = { ...chain, blockTimeMs: 250 }
  expect(told({ chains: [{ ...fast, progressAt: after(-60) }] })).toEqual([])
  expect(told({ chains: [{ ...fast, progressAt: after(-61) }] })).toEqual(['CHAIN-SILENT mainnet'])
  const lag = (head: number) => ({ chains: [{ ...chain, head, progressAt: after(0) }] })
  expect(told(lag(120))).toEqual([])
  expect(told(lag(121))).toEqual(['CHAIN-LAGGING mainnet'])
  const channel = (pending: number, oldestS: number) => ({
    channels: [{ name: 'chat', pending, oldestS, oldestPageS: 0 }],
  })
  expect(told(channel(2_000, 120))).toEqual([])
  expect(told(channel(2_001, 1))).toEqual(['OUTBOX-GROWING chat'])
  expect(told(channel(1, 121))).toEqual(['OUTBOX-GROWING chat'])
  expect(told({ oldestUnfoldedS: 60 })).toEqual([])
  expect(told({ oldestUnfoldedS: 61 })).toEqual(['FINDINGS-UNFOLDED notifier'])
  expect(told({ missedPings: 2 })).toEqual([])
  expect(told({ missedPings: 3 })).toEqual(['HEARTBEAT-UNHEARD dead-man'])
  const canary = (travellingS: number, isLost = false) => ({
    canary: { channel: 'chat', travellingS, isLost },
  })
  expect(told(canary(60))).toEqual([])
  expect(told(canary(61))).toEqual(['CANARY-LATE chat'])
  expect(told(canary(1, true))).toEqual(['CANARY-LATE chat'])
})

test('behavior: a process that is silent is lost, one that was stopped is not', () => {
  const processes = (status: 'ok' | 'stopped', silentS: number) => ({
    processes: [{ name: 'watcher', status, reason: '', heartbeatAt: after(-silentS) }],
  })
  expect(told(processes('ok', 30))).toEqual([])
  expect(told(processes('ok', 31))).toEqual(['PROCESS-LOST watcher'])
  expect(told(processes('stopped', 9_000))).toEqual([])
})

test('behavior: the dead man hears that all is well only while everything is', () => {
  const reasons = (more: Partial<Facts>, hasSigner = true) => {
    const all = facts(more)
    return listReasons(all, findProblems(all, LIMITS), hasSigner)
  }
  const [watcher, notifier, signer] = facts().processes
  if (!watcher || !notifier || !signer) throw new Error('no processes')
  expect(reasons({})).toEqual([])
  expect(reasons({ processes: [watcher, notifier] })).toEqual(['The signer has never run'])
  expect(reasons({ processes: [watcher, notifier] }, false)).toEqual([])
  expect(reasons({ processes: [watcher, { ...signer, status: 'degraded' }] })).toEqual([
    'The signer is not ready',
  ])
  expect(reasons({ processes: [{ ...watcher, status: 'stopped' }, signer] })).toEqual([
    'The watcher is stopped',
  ])
  expect(
    reasons({ channels: [{ name: 'pager', pending: 1, oldestS: 10, oldestPageS: 121 }] }),
  ).toEqual(['A page to channel pager waits'])
  expect(reasons({ missedPings: 9 })).toEqual([])
})

test('behavior: the switch is called at its pace, at once when something goes wrong, and soon again after a failure', async () => {
  const calls: string[] = []
  let works = true
  const deadMan = createDeadMan({
    ping: async (path, body) => {
      calls.push(`${path || 'well'}${body ? ` ${body}` : ''}`)
      return works ? { ok: true } : { ok: false, reason: 'no connection' }
    },
  })
  const config = { style: 'healthchecks' as const, everyS: 60 }
  const turn = async (seconds: number, reasons: readonly string[] = []) => {
    calls.length = 0
    await deadMan.turn(after(seconds), config, reasons)
    return [...calls]
  }
  expect(await turn(0)).toEqual(['/start', 'well'])
  expect(await turn(59)).toEqual([])
  expect(await turn(60)).toEqual(['well'])
  expect(await turn(70, ['a', 'b'])).toEqual(['/fail a\nb'])
  expect(await turn(75, ['a'])).toEqual([])
  expect(deadMan.state().withheld).toEqual(['a'])
  expect(await turn(130)).toEqual(['well'])
  works = false
  expect(await turn(190)).toEqual(['well'])
  expect(await turn(199)).toEqual([])
  expect(await turn(200)).toEqual(['well'])
  expect(deadMan.state()).toMatchObject({ missed: 2, lastError: 'no connection' })
  works = true
  await turn(210)
  expect(deadMan.state()).toMatchObject({ missed: 0, lastError: '' })
})

test('behavior: a plain receiver hears nothing but that all is well', async () => {
  const calls: string[] = []
  const deadMan = createDeadMan({
    ping: async (path) => {
      calls.push(path || 'well')
      return { ok: true }
    },
  })
  const config = { style: 'plain' as const, everyS: 60 }
  await deadMan.turn(after(0), config, [])
  await deadMan.turn(after(30), config, ['wrong'])
  await deadMan.turn(after(120), config, ['wrong'])
  await deadMan.turn(after(180), config, [])
  expect(calls).toEqual(['well', 'well'])
})

const finding = (n: number, severity = 'Critical') => ({
  id: `f${n}`,
  botId: 'tvl-drop',
  alertId: 'TVL-DROP',
  alertKind: 'event' as const,
  chainId: 1,
  blockNumber: n,
  txHash: '0xabc',
  uniqueKey: `${n}`,
  name: 'Half of it is gone',
  description: 'Really',
  severity,
  thing: `vault-${n}`,
  owner: null,
  protocol: null,
  metadata: {},
  addresses: [],
  status: 'provisional',
})

test('behavior: what cannot be stored is paged once, after a while, SEV1 alone, and by the key of the usual way', async () => {
  const sent: AlertMessage[] = []
  let works = false
  const gasp = createLastGasp({
    channel: 'pager',
    afterMs: 15_000,
    chains: [],
    severityOf: ({ severity }) => (severity === 'Critical' ? 'SEV1' : 'SEV2'),
    send: async (message) => {
      if (!works) return { kind: 'retry', reason: 'away too' }
      sent.push(message)
      return { kind: 'sent' }
    },
  })
  gasp.onFailed([finding(1), finding(2, 'High'), finding(3)], 0)
  gasp.onFailed([finding(1), finding(2, 'High'), finding(3)], 5_000)
  expect(gasp.waiting()).toBe(2)
  await gasp.turn(14_999)
  await gasp.turn(15_000)
  expect(sent).toEqual([])
  works = true
  await gasp.turn(15_500)
  await gasp.turn(16_000)
  expect(sent.map(({ blocks }) => blocks.first)).toEqual([1, 3])
  expect(sent[0]?.dedupKey).toBe(`${sent[0]?.alert}.opened.1.pager`)
  gasp.onStored([finding(1), finding(3)])
  expect(gasp.waiting()).toBe(0)
  for (let n = 0; n < 150; n++) gasp.onFailed([finding(n)], 0)
  expect(gasp.waiting()).toBe(100)
})

test('behavior: that Postgres is away is paged after a while, and called off under the same alert', async () => {
  const sent: AlertMessage[] = []
  let works = true
  const away = createStoreAway({
    name: 'acme',
    channel: 'pager',
    afterMs: 15_000,
    send: async (message) => {
      if (works) sent.push(message)
      return works ? { kind: 'sent' } : { kind: 'retry', reason: 'no connection' }
    },
  })
  await away.look(false, T0)
  await away.look(false, T0 + 14_999)
  await away.look(true, T0 + 15_000)
  await away.look(false, T0 + 20_000)
  expect(sent).toEqual([])
  works = false
  await away.look(false, T0 + 35_000)
  expect(away.isTold()).toBe(false)
  works = true
  await away.look(false, T0 + 36_000)
  await away.look(false, T0 + 90_000)
  await away.look(true, T0 + 95_000)
  await away.look(true, T0 + 97_000)
  expect(sent.map(({ change, severity }) => [change, severity])).toEqual([
    ['opened', 'SEV1'],
    ['resolved', 'SEV1'],
  ])
  expect(sent[0]?.alert).toBe(sent[1]?.alert)
})
