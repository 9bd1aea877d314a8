import { Server, ServerCredentials } from '@grpc/grpc-js'
import { pino } from 'pino'
import { afterAll, expect, test } from 'vitest'
import { everyKind, mineBlock, prepareChain } from '../../test/support/fortaScene.ts'
import { type ChainBlock, createRangeSource, createRpcPool } from '../chain/index.ts'
import { createEngine, createMemoryEngineStore } from '../engine/index.ts'
import { agentService } from '../forta/lightGrpc.ts'
import { startAnvil } from '../testing/index.ts'
import { hostForta } from './hostForta.ts'

const undo: (() => unknown)[] = []
afterAll(async () => {
  for (const step of undo.reverse()) await step()
})

type Call = {
  readonly request: {
    readonly event: {
      readonly blockHash: string
      readonly transaction: { readonly hash: string }
      readonly alert: { readonly hash: string }
    }
  }
}
type Answer = (error: null, value: unknown) => void

/** A bot that tells of every block and transaction, and of what other bots say of them. */
const serveBot = async (): Promise<{ readonly port: number; readonly asked: string[] }> => {
  const asked: string[] = []
  const server = new Server()
  const tell = (alertId: string, description: string) => ({
    status: 2,
    findings: [{ alertId, name: 'seen', description, severity: 4, type: 2 }],
  })
  server.addService(agentService(), {
    Initialize: (_: Call, answer: Answer) =>
      answer(null, {
        status: 2,
        alertConfig: { subscriptions: [{ botId: 'other', alertIds: ['TX'] }] },
      }),
    EvaluateBlock: ({ request }: Call, answer: Answer) => {
      asked.push(request.event.blockHash)
      answer(null, tell('BLOCK', request.event.blockHash))
    },
    EvaluateTx: ({ request }: Call, answer: Answer) =>
      answer(null, tell('TX', request.event.transaction.hash)),
    EvaluateAlert: ({ request }: Call, answer: Answer) =>
      answer(null, tell('ALERT', request.event.alert.hash)),
    HealthCheck: (_: Call, answer: Answer) => answer(null, { status: 2 }),
  })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  undo.push(() => server.forceShutdown())
  return { port, asked }
}

test('behavior: findings of bots over gRPC live with their blocks, go back with them, and feed one another', async () => {
  const anvil = await startAnvil({ chainId: 1 })
  undo.push(() => anvil.stop())
  await prepareChain(anvil)
  await mineBlock(anvil, everyKind().slice(0, 3))
  await mineBlock(anvil, [])
  const [first, second] = [await serveBot(), await serveBot()]
  const chain = { id: 1, name: 'main', rpc: [{ name: 'a', http: anvil.url, ws: undefined }] }
  const bot = (name: string, port: number) => ({
    name,
    enabled: true,
    dir: undefined,
    grpc: `127.0.0.1:${port}`,
    chains: ['main'],
    compat: 'sdk' as const,
    timeoutMs: 5_000,
    patienceMs: 15_000,
    parallel: 1,
    traces: false,
    env: [],
  })
  const log = pino({ level: 'silent' })
  const forta = await hostForta(
    {
      chains: [{ ...chain, traces: 'none' }] as never,
      forta: [bot('other', first.port), bot('reader', second.port)],
    },
    { store: { db: {} as never }, log },
  )
  undo.push(() => forta.stop())
  const pool = createRpcPool({ chainId: 1, chainName: 'main', endpoints: chain.rpc })
  undo.push(() => pool.stop())
  const range = createRangeSource(pool, { from: 1, to: 2 })
  const store = createMemoryEngineStore()
  // The one that subscribes to the other's findings would otherwise read its own subscription's name.
  const engine = await createEngine({
    chainId: 1,
    chainName: 'main',
    bots: forta
      .botsOf('main')
      .map((one) =>
        one.definition.id === 'other'
          ? { ...one, definition: { ...one.definition, needs: () => ({ everyBlock: true }) } }
          : one,
      ),
    source: range.source,
    store,
    labels: [],
    log,
  })
  undo.push(() => engine.stop())
  const blocks: ChainBlock[] = []
  for await (const block of range) blocks.push(block)
  for (const block of blocks) {
    const { failures } = await engine.processBlock(block)
    expect([...failures]).toEqual([])
  }
  const told = () =>
    store
      .findings()
      .map(
        ({ botId, alertId, blockNumber, status }) => `${botId} ${alertId} ${blockNumber} ${status}`,
      )
      .sort()
  expect(told().filter((line) => line.startsWith('other'))).toEqual([
    'other BLOCK 1 provisional',
    'other BLOCK 2 provisional',
    ...Array.from({ length: 3 }, () => 'other TX 1 provisional'),
  ])
  expect(told().filter((line) => line.startsWith('reader ALERT'))).toHaveLength(3)
  const [one, two] = blocks
  if (!one || !two) throw new Error('There are no blocks.')
  await engine.rollback(one, [two])
  expect(told().filter((line) => line.endsWith('2 retracted'))).toHaveLength(2)
  // A block that is tried again is not seen twice by a bot that counts.
  await engine.processBlock(two)
  expect(told().filter((line) => line.endsWith('2 provisional'))).toHaveLength(2)
  expect(second.asked).toHaveLength(2)
})
