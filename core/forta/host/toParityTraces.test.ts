import { afterAll, beforeAll, expect, test } from 'vitest'
import { everyKind, mineBlock, prepareChain } from '../../../test/support/fortaScene.ts'
import { createRpcPool, type RpcPool } from '../../chain/index.ts'
import { type Anvil, startAnvil } from '../../testing/index.ts'
import { createRawBlocks } from './createRawBlocks.ts'
import { toParityTraces } from './toParityTraces.ts'

let anvil: Anvil
let pool: RpcPool
beforeAll(async () => {
  anvil = await startAnvil({ chainId: 1 })
  pool = createRpcPool({
    chainId: 1,
    chainName: 'main',
    endpoints: [{ name: 'anvil', http: anvil.url }],
  })
  await prepareChain(anvil)
})
afterAll(async () => {
  await pool?.stop()
  await anvil?.stop()
})

const AT = { blockHash: '0x1', blockNumber: 1, transactionHash: '0x2', transactionPosition: 0 }
type Fields = Record<string, unknown>
/** What the SDK takes of a trace. */
const seen = (trace: Fields): Fields => {
  const action = trace['action'] as Fields
  const { gas: _gas, creationMethod: _method, ...kept } = action
  const { error, type, subtraces, traceAddress, transactionHash, transactionPosition } = trace
  const { gasUsed, address, ...result } = (trace['result'] ?? {}) as Fields
  // Of a top call the two count differently: with the transaction's own gas, and without.
  const isTop = Array.isArray(traceAddress) && traceAddress.length === 0
  return {
    type,
    subtraces,
    traceAddress,
    transactionHash,
    transactionPosition,
    action: kept,
    result: isTop ? result : { gasUsed, ...result },
    created: error ? undefined : address,
    failed: error !== undefined && error !== null,
  }
}

test('behavior: converted traces are those that the node itself gives in the other shape', async () => {
  const number = await mineBlock(anvil, everyKind())
  const [parity] = await createRawBlocks(pool, { traces: 'parity' }).byNumbers([number])
  const [debug] = await createRawBlocks(pool, { traces: 'debug' }).byNumbers([number])
  expect(parity?.payload.traces?.length).toBeGreaterThan(everyKind().length + 5)
  expect(debug?.payload.traces?.map(seen)).toEqual(parity?.payload.traces?.map(seen))
})

test('behavior: created with a salt, delegated, called by code, failed inside, destroyed: as the node gives them', async () => {
  const place = (n: number): string => `0x${n.toString(16).padStart(40, '0')}`
  const stop = '6001600c60003960016000f300'
  /** Puts init code into memory, then runs what follows. */
  const withInit = (init: string, rest: string): string =>
    `0x${(0x5f + init.length / 2).toString(16)}${init}600052${rest}00`
  const size = (init: string): string => (init.length / 2).toString(16).padStart(2, '0')
  const offset = (init: string): string => (32 - init.length / 2).toString(16).padStart(2, '0')
  const create2 = (init: string): string =>
    withInit(init, `602a60${size(init)}60${offset(init)}6000f550`)
  const create = (init: string): string =>
    withInit(init, `60${size(init)}60${offset(init)}6000f050`)
  const call = (op: 'f1' | 'f2' | 'f4' | 'fa', to: string): string =>
    `60006000${op === 'f1' || op === 'f2' ? '6000' : ''}60006000${`73${to.slice(2)}`}5a${op}50`
  const kinds: Readonly<Record<string, string>> = {
    [place(0xe001)]: create2(stop),
    // What it would create reverts, is invalid, or has no gas to go on.
    [place(0xe002)]: create('60006000fd'),
    [place(0xe003)]: create('fe'),
    [place(0xe004)]: create('5b600056'),
    [place(0xe005)]:
      `0x${call('f4', place(0xe001))}${call('f2', place(0xe001))}${call('fa', place(0xe00a))}00`,
    [place(0xe006)]:
      `0x${call('f1', place(0xe002))}${call('f1', place(0xe00b))}${call('f1', place(0xe00c))}00`,
    // Of nobody, and by one that may not write.
    [place(0xe007)]: `0x${call('f1', place(0xdead))}${call('fa', place(0xe001))}00`,
    [place(0xe00a)]: '0x602a60005260206000f3',
    [place(0xe00b)]: '0x33ff',
    [place(0xe00c)]: '0xfe',
  }
  for (const [address, code] of Object.entries(kinds))
    await anvil.rpc('anvil_setCode', [address, code])
  const number = await mineBlock(anvil, [
    ...Object.keys(kinds).map((to) => ({ to, gas: '0x200000' })),
    { data: '0xfe' },
    { to: place(0xe00b), value: '0x7' },
  ])
  const [parity] = await createRawBlocks(pool, { traces: 'parity' }).byNumbers([number])
  const [debug] = await createRawBlocks(pool, { traces: 'debug' }).byNumbers([number])
  expect(debug?.payload.traces?.map(seen)).toEqual(parity?.payload.traces?.map(seen))
  const types = new Set(
    debug?.payload.traces?.map(({ type, action, error }) => {
      const { callType, creationMethod } = action as Fields
      return [type, callType ?? creationMethod, error].filter(Boolean).join(' ')
    }),
  )
  for (const kind of ['create create2', 'call delegatecall', 'call callcode', 'call staticcall'])
    expect(types).toContain(kind)
  expect([...types].some((kind) => /^create create .+/.test(kind))).toBe(true)
  expect(types).toContain('suicide')
})

test('behavior: calls of precompiled contracts are not shown, and the numbering has no gap', () => {
  const call = (to: string, calls: unknown[] = []): Fields => ({
    type: 'CALL',
    from: `0x${'1'.repeat(40)}`,
    to,
    gas: '0x1',
    gasUsed: '0x1',
    input: '0x',
    calls,
  })
  const other = `0x${'2'.repeat(40)}`
  const traces = toParityTraces(
    call(other, [call(`0x${'0'.repeat(39)}1`), call(other), call(`0x${'0'.repeat(39)}4`)]),
    AT,
  )
  expect(traces.map(({ traceAddress, subtraces }) => [traceAddress, subtraces])).toEqual([
    [[], 1],
    [[0], 0],
  ])
})

test('error: a node without traces is said to have none, never an empty list', async () => {
  const number = await mineBlock(anvil, everyKind().slice(0, 1))
  const bare: RpcPool = {
    ...pool,
    batch: (calls, options) =>
      calls.some(({ method }) => /trace/.test(method))
        ? Promise.resolve(
            calls.map(({ method }) =>
              /trace/.test(method)
                ? {
                    ok: false as const,
                    error: {
                      code: -32_601,
                      message: 'the method does not exist',
                      data: undefined,
                      isExecution: false,
                    },
                  }
                : { ok: true as const, result: null },
            ),
          )
        : pool.batch(calls, options),
  }
  await expect(createRawBlocks(bare, { traces: 'auto' }).byNumbers([number])).rejects.toMatchObject(
    {
      code: 'chain.traces_unavailable',
    },
  )
  const [block] = await createRawBlocks(bare, { traces: 'none' }).byNumbers([number])
  expect(block?.payload.traces).toBeUndefined()
})
