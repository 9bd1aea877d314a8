import { expect, test } from 'vitest'
import { CHAIN, log, seen, startRig, TOKEN, testBot } from '../../test/support/engineRig.ts'
import { sleep } from '../base/index.ts'
import { createFakeChain } from '../testing/fakeChain.ts'
import { makeThing } from '../testing/makeThing.ts'
import { createMemoryEngineStore } from './memoryEngineStore.ts'
import { runBacktest } from './runBacktest.ts'
import type { BotAlert, BotDefinition, Needs } from './types.ts'

const finder = (id: string, changes: Partial<BotDefinition<unknown>> = {}) =>
  testBot({
    id,
    handleTransaction: (tx) => [seen({ txHash: tx.hash, thing: 'token' })],
    ...changes,
  })

/** Keeps what it hears of, and says how much it has heard. */
const listener = (
  id: string,
  alerts: Needs['alerts'] = [{}],
  changes: Partial<BotDefinition<unknown>> = {},
) =>
  testBot({
    id,
    needs: () => ({ alerts }),
    handleAlert: (alert, ctx) => {
      const heard = [...(ctx.state.get<string[]>('heard') ?? []), alert.botId]
      ctx.state.set('heard', heard)
      return [seen({ uniqueKey: alert.id, description: heard.join(' ') })]
    },
    ...changes,
  })
const of = <T extends { botId: string }>(rows: readonly T[], id: string): readonly T[] =>
  rows.filter(({ botId }) => botId === id)

test('behavior: it hears of all others in the order of the bots, wherever it stands and whoever is slow; never of itself or of others that listen', async () => {
  const slow = finder('slow', {
    handleTransaction: async (tx) => {
      await sleep(30)
      return [seen({ txHash: tx.hash })]
    },
  })
  const store = createMemoryEngineStore()
  const rig = await startRig({
    store,
    bots: [listener('ear'), slow, finder('quick'), listener('other-ear')],
  })
  const { findings } = await rig.block({ logs: [log()] })
  expect(findings.map(({ botId }) => botId)).toEqual([
    'ear',
    'ear',
    'slow',
    'quick',
    'other-ear',
    'other-ear',
  ])
  expect(of(findings, 'ear').map(({ description }) => description)).toEqual(['slow', 'slow quick'])
  expect(of(findings, 'other-ear').at(-1)?.description).toBe('slow quick')
})

test('behavior: it hears only of what it asked for, by bot, alert, severity and source', async () => {
  const many = finder('many', {
    alerts: ['A', 'B', 'C'].map((id) => ({ id, title: id, kind: 'event', severity: 'High' })),
    handleBlock: () => [
      seen({ alertId: 'A', severity: 'High' }),
      seen({ alertId: 'B', severity: 'Low' }),
      seen({ alertId: 'C', severity: 'Medium' }),
    ],
    handleTransaction: () => [],
  })
  const heardBy = async (alerts: Needs['alerts']): Promise<readonly string[]> => {
    const heard: string[] = []
    const ear = listener('ear', alerts, {
      handleAlert: (alert) => {
        heard.push(`${alert.botId}.${alert.alertId}`)
        return []
      },
    })
    const store = createMemoryEngineStore()
    const rig = await startRig({ store, bots: [ear, many, finder('one')] })
    await rig.block({ logs: [log()] })
    return heard
  }
  expect(await heardBy([{}])).toEqual(['many.A', 'many.B', 'many.C', 'one.SEEN'])
  expect(await heardBy([{ minSeverity: 'Medium' }])).toEqual(['many.A', 'many.C', 'one.SEEN'])
  expect(await heardBy([{ botIds: ['many'], alertIds: ['B', 'SEEN'] }])).toEqual(['many.B'])
  expect(await heardBy([{ alertIds: ['C'] }, { minSeverity: 'Low', botIds: ['many'] }])).toEqual([
    'many.A',
    'many.B',
    'many.C',
  ])
  expect(await heardBy([{ source: 'external' }])).toEqual([])
})

test('behavior: what it writes goes back with a reorg, and a new process goes on from what was committed', async () => {
  const store = createMemoryEngineStore()
  const chain = createFakeChain(CHAIN)
  const bots = [finder('one'), listener('ear')]
  const rig = await startRig({ store, bots }, chain)
  const words = async (): Promise<string | undefined> =>
    of((await rig.block({ logs: [log()] })).findings, 'ear')[0]?.description
  expect([await words(), await words(), await words()]).toEqual(['one', 'one one', 'one one one'])
  const orphaned = await rig.rollback(2)
  expect(store.findings().filter(({ status }) => status === 'retracted')).toHaveLength(4)
  expect(await words()).toBe('one one')
  await rig.rollback(1)
  for (const made of orphaned) {
    chain.append(made)
    await rig.engine.processBlock(made.block)
  }
  await rig.engine.stop()
  const next = await startRig({ store, bots }, chain)
  const { findings } = await next.block({ logs: [log()] })
  expect(of(findings, 'ear')[0]?.description).toBe('one one one one')
})

test('behavior: a block whose data were not at hand is heard of once', async () => {
  const store = createMemoryEngineStore()
  const chain = createFakeChain(CHAIN)
  let failures = 0
  const { reader } = chain.source
  const balance: typeof reader.balance = async (...args) => {
    if (failures++ === 0) throw new Error('header not found')
    return reader.balance(...args)
  }
  const source = { ...chain.source, reader: { ...reader, balance } }
  const ear = listener('ear', [{}], {
    handleAlert: async (alert, ctx) => {
      ctx.state.set('count', (ctx.state.get<number>('count') ?? 0) + 1)
      await ctx.read.balance(TOKEN)
      return [seen({ uniqueKey: alert.id, description: String(ctx.state.get('count')) })]
    },
  })
  const rig = await startRig({ store, bots: [finder('one'), ear], source }, chain)
  const { findings } = await rig.block({ logs: [log()], balances: { [TOKEN]: 7n } })
  expect(failures).toBe(2)
  expect(of(findings, 'ear').map(({ description }) => description)).toEqual(['1'])
})

test('behavior: a bot that throws is heard of as far as it came; one that throws while it listens costs itself the block and the others nothing', async () => {
  const broken = finder('broken', {
    handleBlock: () => [seen()],
    handleTransaction: () => {
      throw new Error('boom')
    },
  })
  let isBad = true
  const ear = listener('ear', [{}], {
    handleAlert: (alert, ctx) => {
      ctx.state.set('count', (ctx.state.get<number>('count') ?? 0) + 1)
      if (isBad && alert.botId === 'one') throw new Error('deaf')
      return [seen({ uniqueKey: alert.id, description: String(ctx.state.get('count')) })]
    },
  })
  const store = createMemoryEngineStore()
  const rig = await startRig({ store, bots: [broken, finder('one'), ear, listener('good')] })
  const first = await rig.block({ logs: [log()] })
  expect(first.failures.get('ear')).toEqual(['handleAlert(one SEEN) threw: deaf'])
  expect(of(first.findings, 'good').map(({ description }) => description)).toEqual([
    'broken',
    'broken one',
  ])
  expect(of(first.findings, 'ear').map(({ description }) => description)).toEqual(['1'])
  isBad = false
  const second = await rig.block({ logs: [log()] })
  // What it wrote while it was failing is not there.
  expect(of(second.findings, 'ear').map(({ description }) => description)).toEqual(['1', '2'])
})

test('behavior: a finding cannot be changed by those that hear of it', async () => {
  const vandal = listener('vandal', [{}], {
    handleAlert: (alert) => {
      const loose = alert as { severity: string; metadata: Record<string, string> }
      for (const act of [() => (loose.severity = 'Info'), () => (loose.metadata['x'] = 'y')])
        expect(act).toThrow(TypeError)
      return []
    },
  })
  const store = createMemoryEngineStore()
  const rig = await startRig({ store, bots: [finder('one'), vandal, listener('ear')] })
  const { findings, failures } = await rig.block({ logs: [log()] })
  expect([...failures]).toEqual([])
  expect(of(findings, 'one')[0]).toMatchObject({ severity: 'High', metadata: {} })
})

test('behavior: it finds the transactions of the block, and its own handlers run only where its own needs wake it', async () => {
  const seenHere: unknown[] = []
  let blocks = 0
  const ear = listener('ear', [{}], {
    handleBlock: () => {
      blocks++
      return []
    },
    handleAlert: (alert, _ctx, block) => {
      seenHere.push([
        alert.txHash && block.transaction(alert.txHash)?.logs.length,
        block.touching(TOKEN).map(({ index }) => index),
        block.transactions.length,
        block.transaction(`0x${'0'.repeat(64)}`),
      ])
      return []
    },
  })
  const store = createMemoryEngineStore()
  const rig = await startRig({ store, bots: [finder('one'), ear] })
  await rig.block({ txs: [{}, { logs: [log(), log()] }, { to: TOKEN, status: 'reverted' }] })
  await rig.block({})
  expect(seenHere).toEqual([[2, [1, 2], 0, undefined]])
  expect(blocks).toBe(0)
})

test('behavior: a backtest hears the same', async () => {
  const chain = createFakeChain(CHAIN)
  const blocks = [1n, 2n].map((value) => chain.extend({ logs: [log(value)] }, {}).block)
  const heard: string[] = []
  await runBacktest({
    chain: CHAIN,
    bots: [listener('ear'), finder('one')],
    source: chain.source,
    blocks: (async function* () {
      yield* blocks
    })(),
    log: (await import('pino')).pino({ level: 'silent' }),
    onFinding: ({ botId, description }) => {
      if (botId === 'ear') heard.push(description)
    },
  })
  expect(heard).toEqual(['one', 'one one'])
})

test('behavior: findings from elsewhere are for those that ask for them', async () => {
  const thing = makeThing({ kind: 'token', name: 'token', address: TOKEN })
  const { makeAlert } = await import('../testing/alertInput.ts')
  const heard: BotAlert[] = []
  const ear = listener('ear', [{ source: 'external' }], {
    handleAlert: (alert) => {
      heard.push(alert)
      return []
    },
  })
  const chain = createFakeChain(CHAIN)
  const other = { botId: 'forta', alertId: 'FORTA-1', thing: 'token', source: 'external' } as const
  const rig = await startRig(
    {
      store: createMemoryEngineStore(),
      bots: [finder('one'), ear],
      otherAlerts: () => [makeAlert(other, chain.head().block, [thing])],
    },
    chain,
  )
  await rig.block({ logs: [log()] })
  expect(heard.map(({ botId, source }) => [botId, source])).toEqual([['forta', 'external']])
})

test.each<[string, Partial<BotDefinition<unknown>>, RegExp]>([
  ['no handler', { handleBlock: () => [] }, /has no handleAlert/],
  ['an empty list', { needs: () => ({ alerts: [{ botIds: [] }] }) }, /alerts\[0\]: botIds/],
  [
    'no severity',
    { needs: () => ({ alerts: [{ minSeverity: 'Grave' as never }] }) },
    /no severity/,
  ],
  ['no source', { needs: () => ({ alerts: [{ source: 'x' as never }] }) }, /neither "bot"/],
])('error: needs of findings that cannot be: %s', async (_, changes, message) => {
  const isDeaf = changes.handleBlock !== undefined
  const deaf = testBot({ id: 'ear', needs: () => ({ alerts: [{}] }), ...changes })
  const bots = [isDeaf ? deaf : listener('ear', [{}], changes)]
  await expect(startRig({ store: createMemoryEngineStore(), bots })).rejects.toThrow(message)
})
