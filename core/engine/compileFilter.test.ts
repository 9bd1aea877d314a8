import { describe, expect, test } from 'vitest'
import { erc20Abi } from '../../abis/index.ts'
import { CHAIN, TOKEN, TOPIC } from '../../test/support/engineRig.ts'
import { createFakeChain } from '../testing/fakeChain.ts'
import { checkNeeds } from './checkNeeds.ts'
import { compileFilter } from './compileFilter.ts'
import { createPreparer } from './prepareBlock.ts'
import type { Needs } from './types.ts'

const OTHER = '0x00000000000000000000000000000000000000bb' as const
const USER = '0x00000000000000000000000000000000000000cc' as const
const OTHER_TOPIC = `0x${'22'.repeat(32)}` as const
const topicOf = (address: string) => `0x${'0'.repeat(24)}${address.slice(2)}` as const
const SELECTOR = '0xa9059cbb'

const preparerFor = (needs: readonly Needs[], chain = createFakeChain(CHAIN), traces = true) => ({
  chain,
  preparer: createPreparer({
    source: chain.source,
    needs: needs.map((need, i) => checkNeeds(`bot-${i}`, need)),
    traces,
  }),
})

describe('matching', () => {
  test('behavior: address and topics decide, place by place', async () => {
    const { chain, preparer } = preparerFor([
      {
        logs: [{ address: TOKEN.toUpperCase().replace('X', 'x') as typeof TOKEN, topics: [TOPIC] }],
      },
      { logs: [{ topics: [[TOPIC, OTHER_TOPIC], null, topicOf(USER)] }] },
      { logs: [{ address: [OTHER] }] },
      { logs: [{ address: [] }], everyBlock: true },
      { logs: [{ topics: [null, topicOf(USER)] }] },
    ])
    const { block } = chain.extend(
      {
        txs: [
          {
            logs: [{ address: TOKEN, topics: [TOPIC, topicOf(USER), topicOf(OTHER)], data: '0x' }],
          },
          { logs: [{ address: USER, topics: [OTHER_TOPIC, TOPIC, topicOf(USER)], data: '0x' }] },
          { logs: [{ address: OTHER, topics: [], data: '0x' }] },
          { logs: [{ address: USER, topics: [TOPIC], data: '0x' }] },
        ],
      },
      {},
    )
    const { matched } = await preparer.prepare(block)
    expect(matched.map((one) => one?.transactions.map(({ index }) => index))).toEqual([
      [0],
      [1],
      [2],
      undefined,
      [0],
    ])
    expect(matched.map((one) => one?.logs.map(({ logIndex }) => logIndex))).toEqual([
      [0],
      [1],
      [2],
      undefined,
      [0],
    ])
  })

  test('behavior: one log that a bot asks for twice comes once, in its transaction with all its logs', async () => {
    const { chain, preparer } = preparerFor([{ logs: [{ address: TOKEN }, { topics: [TOPIC] }] }])
    const { block } = chain.extend(
      {
        logs: [
          { address: TOKEN, topics: [TOPIC], data: '0x' },
          { address: OTHER, topics: [OTHER_TOPIC], data: '0x' },
        ],
      },
      {},
    )
    const { matched } = await preparer.prepare(block)
    expect(matched[0]?.logs).toHaveLength(1)
    expect(matched[0]?.transactions[0]?.logs).toHaveLength(2)
  })

  test('behavior: calls by target and selector, senders; missing calldata is fetched in one go for these only', async () => {
    const asked: string[][] = []
    const base = createFakeChain(CHAIN)
    const chain = {
      ...base,
      source: {
        ...base.source,
        inputs: async (
          header: Parameters<typeof base.source.inputs>[0],
          hashes: readonly `0x${string}`[],
        ) => {
          asked.push([...hashes])
          return base.source.inputs(header, hashes)
        },
      },
    }
    const { preparer } = preparerFor(
      [
        { calls: [{ to: TOKEN, selectors: [SELECTOR] }] },
        { senders: [USER] },
        { calls: [{ to: TOKEN }], logs: [{ address: OTHER }] },
      ],
      chain,
    )
    const { block } = base.extend(
      {
        txs: [
          { to: TOKEN, input: `${SELECTOR}00` },
          { to: TOKEN, input: '0x12345678' },
          { to: OTHER, from: USER, input: SELECTOR },
          { to: USER, logs: [{ address: OTHER, topics: [], data: '0x' }] },
          { to: null, contractAddress: TOKEN, status: 'reverted' },
        ],
      },
      {},
    )
    const bare = {
      ...block,
      transactions: block.transactions.map((tx) => ({ ...tx, input: undefined, value: undefined })),
    }
    const { matched } = await preparer.prepare(bare)
    expect(matched.map((one) => one?.transactions.map(({ index }) => index))).toEqual([
      [0],
      [2],
      [0, 1, 3, 4],
    ])
    expect(matched[0]?.calls).toMatchObject([{ to: TOKEN, input: `${SELECTOR}00`, path: [] }])
    expect(matched[2]?.calls.map(({ reverted }) => reverted)).toEqual([false, false, true])
    expect(asked).toEqual([[0, 1, 2, 4].map((index) => block.transactions[index]?.hash)])
    expect(matched[1]?.transactions[0]?.input).toBe(SELECTOR)
  })

  test('behavior: creations that succeeded, with their init code where it is asked for', async () => {
    const { chain, preparer } = preparerFor([
      { creations: true },
      { creations: true, inputs: true },
    ])
    const { block } = chain.extend(
      {
        txs: [
          { to: USER, input: SELECTOR },
          { to: null, contractAddress: TOKEN, input: '0x6001' },
          { to: null, contractAddress: OTHER, status: 'reverted' },
        ],
      },
      {},
    )
    expect(preparer.filter.wantsReceipts(`0x${'0'.repeat(512)}`)).toBe(true)
    const bare = {
      ...block,
      transactions: block.transactions.map((tx) => ({ ...tx, input: undefined, value: undefined })),
    }
    const { matched } = await preparer.prepare(bare)
    for (const one of matched)
      expect(one?.transactions.map(({ contractAddress }) => contractAddress)).toEqual([TOKEN])
    expect(matched[1]?.transactions[0]?.input).toBe('0x6001')
  })

  test('behavior: traces only where wanted and touched; other bots see the same with and without', async () => {
    const traced: number[] = []
    const base = createFakeChain(CHAIN)
    const source = {
      ...base.source,
      traces: async (...args: Parameters<typeof base.source.traces>) => {
        traced.push(args[0].number)
        return base.source.traces(...args)
      },
    }
    const { preparer } = preparerFor(
      [
        { calls: [{ to: TOKEN }], traces: { mode: 'whenTouched', addresses: [TOKEN] } },
        { calls: [{ to: TOKEN }] },
        { everyBlock: true, traces: { mode: 'whenTouched', addresses: [OTHER] } },
      ],
      { ...base, source },
    )
    const tx = {
      to: USER,
      input: '0x01' as const,
      calls: [{ to: TOKEN, input: '0xffffffff' as const }],
    }
    const blocks = [
      base.extend({ touched: [] }, {}),
      base.extend({ touched: [TOKEN], txs: [tx] }, {}),
      base.extend({ touched: [USER], txs: [tx] }, {}),
      base.extend({ touched: [TOKEN], txs: [{ to: USER, value: 1n }] }, {}),
    ]
    const prepared = []
    for (const { block } of blocks) prepared.push(await preparer.prepare(block))
    expect(traced).toEqual([102])
    expect(prepared[1]?.traced).toEqual([true, false, false])
    expect(prepared[1]?.matched[0]?.calls).toMatchObject([
      { to: TOKEN, input: '0xffffffff', path: [0] },
    ])
    expect(prepared[1]?.matched[0]?.transactions).toHaveLength(1)
    expect(prepared[1]?.matched[1]).toBeUndefined()
    expect(prepared[2]?.matched[0]).toBeUndefined()
  })

  test('behavior: without proofs every block with code counts as touched; without traces none is traced', async () => {
    const base = createFakeChain(CHAIN)
    const { storageHash: _, ...source } = base.source
    const needs: Needs = {
      calls: [{ to: TOKEN }],
      traces: { mode: 'whenTouched', addresses: [TOKEN] },
    }
    const { block } = base.extend(
      { touched: [], txs: [{ to: USER, input: '0x01', calls: [{ to: TOKEN }] }] },
      {},
    )
    const on = await preparerFor([needs], { ...base, source }).preparer.prepare(block)
    expect(on.matched[0]?.calls).toHaveLength(1)
    const off = await preparerFor([needs], { ...base, source }, false).preparer.prepare(block)
    expect(off.matched[0]).toBeUndefined()
    expect(off.traced).toEqual([false])
  })

  test('behavior: the bloom never hides a log that matches, and lets go of blocks that cannot hold one', () => {
    const chain = createFakeChain(CHAIN)
    const filter = compileFilter([
      checkNeeds('a', {
        logs: [{ address: [TOKEN, OTHER], topics: [TOPIC, null, topicOf(USER)] }],
      }),
    ])
    const bloomWith = (address: `0x${string}`, topics: `0x${string}`[]) =>
      chain.extend({ logs: [{ address, topics, data: '0x' }] }, {}).block.logsBloom
    expect(filter.wantsReceipts(bloomWith(OTHER, [TOPIC, OTHER_TOPIC, topicOf(USER)]))).toBe(true)
    expect(filter.wantsReceipts(bloomWith(OTHER, [TOPIC, OTHER_TOPIC]))).toBe(false)
    expect(filter.wantsReceipts(bloomWith(USER, [TOPIC, OTHER_TOPIC, topicOf(OTHER)]))).toBe(false)
    expect(filter.wantsReceipts(chain.extend({}, {}).block.logsBloom)).toBe(false)
    expect(filter.wantsReceipts('0x')).toBe(true)
    expect(
      compileFilter([checkNeeds('a', { senders: [USER] })]).wantsReceipts(
        chain.head().block.logsBloom,
      ),
    ).toBe(true)
  })
})

describe('error: wrong needs are told at the start', () => {
  const wrong: readonly [string, unknown, string][] = [
    ['address', { logs: [{ address: '0x12' }] }, 'not an address'],
    ['no address', { calls: [{ to: undefined }] }, 'not an address'],
    ['topic', { logs: [{ address: TOKEN, topics: ['0x12'] }] }, 'not a topic'],
    [
      'five topics',
      { logs: [{ address: TOKEN, topics: [null, null, null, null, TOPIC] }] },
      'four topics',
    ],
    ['empty topics', { logs: [{ address: TOKEN, topics: [[]] }] }, 'empty'],
    ['everything', { logs: [{ topics: [null] }] }, 'neither an address nor a topic'],
    ['selector', { calls: [{ to: TOKEN, selectors: ['0x12'] }] }, 'not a selector'],
    [
      'slot',
      { everyBlock: true, reads: [{ kind: 'storage', key: 'k', address: TOKEN, slot: '0x0' }] },
      '32 bytes',
    ],
    [
      'function',
      {
        everyBlock: true,
        reads: [{ kind: 'call', key: 'k', address: TOKEN, abi: erc20Abi, functionName: 'nope' }],
      },
      'no function "nope"',
    ],
    [
      'arguments',
      {
        everyBlock: true,
        reads: [
          { kind: 'call', key: 'k', address: TOKEN, abi: erc20Abi, functionName: 'balanceOf' },
        ],
      },
      'reads[0] "k"',
    ],
    [
      'keys',
      {
        everyBlock: true,
        reads: [
          { kind: 'balance', key: 'k', address: TOKEN },
          { kind: 'balance', key: 'k', address: OTHER },
        ],
      },
      'share this key',
    ],
    ['nothing', { reads: [], everyBlock: false }, 'nothing would ever wake'],
    ['mode', { everyBlock: true, traces: { mode: 'sometimes', addresses: [] } }, 'neither'],
  ]
  for (const [name, needs, text] of wrong)
    test(name, () => {
      expect(() => checkNeeds('bot', needs as Needs)).toThrowError(
        expect.objectContaining({
          code: 'bot.needs_invalid',
          message: expect.stringContaining(text),
        }),
      )
    })
  test('behavior: a bot that declares nothing at all sleeps', () => {
    expect(checkNeeds('bot', {})).toMatchObject({ logs: [], everyBlock: false, reads: [] })
  })
})
