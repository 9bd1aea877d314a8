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
