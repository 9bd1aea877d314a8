import { expect, test } from 'vitest'
import { log, seen, startRig, TOKEN, TOPIC, testBot } from '../../test/support/engineRig.ts'
import { sleep } from '../base/index.ts'
import { createFakeChain } from '../testing/fakeChain.ts'
import { createMemoryEngineStore } from './memoryEngineStore.ts'
import type { Finding } from './types.ts'

const good = testBot({ id: 'good', handleTransaction: (tx) => [seen({ txHash: tx.hash })] })
const selfOf = <T extends { botId: string }>(findings: readonly T[]): readonly T[] =>
  findings.filter(({ botId }) => botId === 'tocsin')

test('behavior: a bot that throws is told of once, its state is discarded, it works again; the others never notice', async () => {
  let isBad = false
  const bad = testBot({
    id: 'bad',
    handleTransaction: (tx, ctx) => {
      ctx.state.set('count', (ctx.state.get<number>('count') ?? 0) + 1)
      ctx.window('w', { keepS: 100 }).add(1n)
      if (isBad) throw new Error('boom\u0000\u202e http://user:secret@host/key')
      return [seen({ txHash: tx.hash })]
    },
  })
  const store = createMemoryEngineStore()
  const rig = await startRig({ store, bots: [bad, good] })
  await rig.block({ logs: [log()] })
  isBad = true
  const first = await rig.block({ logs: [log()] })
  expect(first.failures.get('bad')?.[0]).toMatch(
    /^handleTransaction\(0x[0-9a-f]+\) threw: boom http:\/\/host/,
  )
  expect(first.failures.get('bad')?.[0]).not.toContain('secret')
  expect(selfOf(first.findings)).toMatchObject([
    {
      alertId: 'BOT-FAILING',
      alertKind: 'condition',
      condition: 'holds',
      uniqueKey: 'bad',
      severity: 'High',
    },
  ])
  expect(first.findings.filter(({ botId }) => botId === 'good')).toHaveLength(1)
  expect(selfOf((await rig.block({ logs: [log()] })).findings)).toEqual([])
  // A block that does not concern it says nothing of its health.
  expect(selfOf((await rig.block({})).findings)).toEqual([])
  isBad = false
  expect(selfOf((await rig.block({ logs: [log()] })).findings)).toMatchObject([
    { condition: 'ended', uniqueKey: 'bad' },
  ])
  const memory = await store.loadBot('bad')
  expect(memory.state.map(({ value }) => value)).toEqual([1, 2])
  expect(memory.samples).toHaveLength(2)
})

test('behavior: a transaction on which a bot breaks does not hide the next one', async () => {
  const bad = testBot({
    id: 'bad',
    handleTransaction: (tx) => {
      if (tx.index === 0) throw new Error('crafted')
      return [seen({ txHash: tx.hash })]
    },
  })
  const rig = await startRig({ store: createMemoryEngineStore(), bots: [bad] })
  const { findings } = await rig.block({ txs: [{ logs: [log()] }, { logs: [log()] }] })
  expect(findings.map(({ botId }) => botId)).toEqual(['bad', 'tocsin'])
})

test('behavior: a bot that hangs is given up, its late writes and reads go nowhere, and it is left out ever longer', async () => {
  let isStuck = true
  let late: unknown
  let release: () => void = () => undefined
  const blocks: number[] = []
  const hanging = testBot({
    id: 'hanging',
    timeoutMs: 40,
    handleBlock: async (block, ctx) => {
      blocks.push(block.number)
      if (!isStuck) return []
      await new Promise<void>((resolve) => {
        release = resolve
      })
      ctx.state.set('late', true)
      ctx.window('w', { keepS: 10 }).add(1n)
      late = await ctx.read.code(TOKEN).catch((error: unknown) => error)
      return [seen()]
    },
  })
  const store = createMemoryEngineStore()
  const rig = await startRig({ store, bots: [hanging, good] })
  const { findings, failures } = await rig.block({ logs: [log()] })
  expect(failures.get('hanging')).toEqual(['handleBlock took longer than 40 ms'])
  expect(findings.map(({ botId }) => botId).sort()).toEqual(['good', 'tocsin'])
  release()
  await sleep(5)
  expect(late).toMatchObject({ code: 'bot.late' })
  for (let i = 0; i < 5; i++) await rig.block({ logs: [log()] })
  expect(blocks).toEqual([101, 102, 104])
  isStuck = false
  for (let i = 0; i < 3; i++) await rig.block({ logs: [log()] })
  expect(blocks).toEqual([101, 102, 104, 108, 109])
  expect(await store.loadBot('hanging')).toEqual({ state: [], samples: [] })
  const told = selfOf(store.findings()).map(({ condition, blockNumber }) => [
    condition,
    blockNumber,
  ])
  expect(told).toEqual([
    ['holds', 101],
    ['ended', 108],
  ])
  await rig.engine.stop()
})

const rubbish: readonly [string, unknown, string][] = [
  ['no list', 'x', 'did not return a list'],
  ['undefined', undefined, 'did not return a list'],
  ['no object', [7], 'not an object'],
  ['undeclared alert', [seen({ alertId: 'NOPE' })], '"NOPE" is not declared'],
  ['no name', [seen({ name: '' })], 'name'],
  ['severity', [seen({ severity: 'Awful' })], 'severity'],
  ['type', [seen({ type: 'Bad' })], 'type'],
  ['thing of somebody else', [seen({ thing: 'other' })], '"other"'],
  ['hash', [seen({ txHash: '0x12' })], 'txHash'],
  ['metadata', [seen({ metadata: { value: 1n } })], 'metadata'],
  ['addresses', [seen({ addresses: ['0x12'] })], 'addresses'],
  ['labels', [seen({ labels: [{ entity: 'x' }] })], 'labels'],
  ['condition of an event', [seen({ condition: 'ended' })], 'is an event'],
  ['condition', [seen({ alertId: 'STATE', severity: 'Low', condition: 'maybe' })], 'condition'],
  ['too large', [seen({ description: 'x'.repeat(70_000) })], '64 KiB'],
  [
    'circular',
    [
      (() => {
        const ring: Record<string, unknown> = seen()
        ring['ring'] = ring
        return ring
      })(),
    ],
    '64 KiB',
  ],
]
for (const [name, returned, text] of rubbish)
  test(`error: rubbish is refused, what is sound beside it is kept: ${name}`, async () => {
    let isSecond = false
    const bot = testBot({
      id: 'rubbish',
      handleBlock: (_, ctx) => {
        ctx.state.set('written', true)
        return (
          isSecond
            ? [seen({ uniqueKey: 'sound' }), ...(Array.isArray(returned) ? returned : [])]
            : returned
        ) as readonly Finding[]
      },
    })
    const store = createMemoryEngineStore()
    const rig = await startRig({ store, bots: [bot, good] })
    const { findings, failures } = await rig.block({ logs: [log()] })
    expect(failures.get('rubbish')?.[0]).toContain(text)
    expect(findings.map(({ botId }) => botId).sort()).toEqual(['good', 'tocsin'])
    expect((await store.loadBot('rubbish')).state).toEqual([])
    isSecond = true
    const next = await rig.block({ logs: [log()] })
    expect(next.findings.filter(({ botId }) => botId === 'rubbish')).toMatchObject([
      { uniqueKey: 'sound' },
    ])
  })

test('behavior: a severity above the declared one is lowered, of too many findings the gravest stay', async () => {
  const bot = testBot({
    id: 'loud',
    handleBlock: () => [
      ...Array.from({ length: 60 }, (_, i) => seen({ uniqueKey: `${i}`, severity: 'Low' })),
      seen({ uniqueKey: 'grave', severity: 'Critical' }),
    ],
  })
  const rig = await startRig({ store: createMemoryEngineStore(), bots: [bot] })
  const { findings, failures } = await rig.block({ logs: [log()] })
  const own = findings.filter(({ botId }) => botId === 'loud')
  expect(own).toHaveLength(50)
  expect(own.find(({ uniqueKey }) => uniqueKey === 'grave')?.severity).toBe('High')
  expect(failures.get('loud')).toHaveLength(2)
})

test('behavior: text of strangers is cleaned, long keys stay apart, equal identities are one finding', async () => {
  const bot = testBot({
    id: 'texts',
    handleBlock: () => [
      seen({
        name: 'a\u0000b',
        description: 'line\nline',
        metadata: { 'k\u202e': 'v\u0007' },
        uniqueKey: `${'k'.repeat(400)}1`,
      }),
      seen({ uniqueKey: `${'k'.repeat(400)}2` }),
      seen({ uniqueKey: 'same' }),
      seen({ uniqueKey: 'same', description: 'another' }),
      seen({ thing: 'token' }),
    ],
  })
  const rig = await startRig({ store: createMemoryEngineStore(), bots: [bot] })
  const { findings } = await rig.block({ logs: [log()] })
  expect(findings).toHaveLength(4)
  expect(findings[0]).toMatchObject({ name: 'a b', description: 'line line', metadata: { k: 'v' } })
  expect(new Set(findings.map(({ id }) => id)).size).toBe(4)
  expect(findings[3]).toMatchObject({ uniqueKey: 'token', thing: 'token', owner: 'team' })
})

test('behavior: initialize runs once before the first block; until it succeeds the bot does not run', async () => {
  const calls: string[] = []
  let isReady = false
  const bot = testBot({
    id: 'starter',
    initialize: (ctx) => {
      calls.push(`initialize ${ctx.block.number}`)
      if (!isReady) throw new Error('not yet')
      ctx.state.set('since', ctx.block.number)
    },
    handleBlock: (block, ctx) => {
      calls.push(`block ${block.number} since ${ctx.state.get<number>('since')}`)
      return []
    },
  })
  const rig = await startRig({ store: createMemoryEngineStore(), bots: [bot] })
  await rig.block({ logs: [log()] })
  isReady = true
  await rig.block({})
  await rig.block({ logs: [log()] })
  expect(calls).toEqual(['initialize 100', 'initialize 101', 'block 103 since 101'])
})

test('behavior: data of the chain that cannot be had is nobody’s fault: the block waits, nothing is committed, no bot fails', async () => {
  const chain = createFakeChain({ id: 31_337, name: 'local' })
  let isAway = true
  let asked = 0
  const source = {
    ...chain.source,
    reader: {
      ...chain.source.reader,
      code: async () => {
        asked++
        if (isAway) throw new Error('socket hang up')
        return '0x60' as const
      },
    },
  }
  const store = createMemoryEngineStore()
  const bot = testBot({
    id: 'reader',
    handleBlock: async (_, ctx) => {
      ctx.state.set('tries', (ctx.state.get<number>('tries') ?? 0) + 1)
      const code = await ctx.read.code(TOKEN).catch(() => 'swallowed')
      return [seen({ description: code })]
    },
  })
  const rig = await startRig({ store, bots: [bot], source }, chain)
  const { block } = rig.add({ logs: [log()] })
  await expect(rig.engine.processBlock(block)).rejects.toMatchObject({
    code: 'engine.data_unavailable',
  })
  expect(asked).toBeGreaterThan(1)
  expect(rig.engine.trouble()?.reason).toContain('socket hang up')
  expect(await store.readCursor()).toBeUndefined()
  isAway = false
  expect((await rig.engine.processBlock(block)).findings).toMatchObject([
    { botId: 'reader', description: '0x60' },
  ])
  expect(rig.engine.trouble()).toBeUndefined()
  expect((await store.loadBot('reader')).state).toMatchObject([{ value: 1 }])
})

test('behavior: handlers of one bot run in order, bots side by side', async () => {
  const order: string[] = []
  const slow = (id: string) =>
    testBot({
      id,
      handleBlock: async () => {
        order.push(`${id} block`)
        await sleep(2)
        return []
      },
      handleTransaction: async (tx) => {
        order.push(`${id} ${tx.index}`)
        await sleep(2)
        return []
      },
    })
  const rig = await startRig({ store: createMemoryEngineStore(), bots: [slow('a'), slow('b')] })
  await rig.block({
    txs: [{ logs: [log()] }, { logs: [{ address: TOKEN, topics: [TOPIC], data: '0x' }] }],
  })
  expect(order.filter((entry) => entry.startsWith('a'))).toEqual(['a block', 'a 0', 'a 1'])
  expect(order.indexOf('b block')).toBeLessThan(order.indexOf('a 0'))
})
