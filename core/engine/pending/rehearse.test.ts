import { expect, test } from 'vitest'
import { log, seen, silent, startRig, TOKEN, testBot } from '../../../test/support/engineRig.ts'
import type { PendingTransaction } from '../../chain/index.ts'
import { createMemoryEngineStore } from '../memoryEngineStore.ts'
import type { BotAlert } from '../types.ts'
import { type RehearsalOptions, rehearse } from './rehearse.ts'

type SimulatedTransaction = Awaited<
  ReturnType<RehearsalOptions['simulate']>
>['transactions'][number]

const ATTACK: PendingTransaction = {
  hash: `0x${'ab'.repeat(32)}`,
  from: '0x00000000000000000000000000000000000000f1',
  to: TOKEN,
  input: '0x12345678',
  valueWei: 0n,
  gas: 100_000n,
  nonce: 7,
  maxFeePerGasWei: 2n,
  maxPriorityFeePerGasWei: 1n,
  accessList: [],
  seenAtMs: 0,
}
const WORKED: SimulatedTransaction = { status: 'success', gasUsed: 21_000n, logs: [log()] }

/** A bot that finds, one that hears of what is found and keeps count, and what both make of a pending transaction. */
const play = async (result: SimulatedTransaction) => {
  const heard: BotAlert[] = []
  const finder = testBot({ id: 'finder', handleTransaction: () => [seen()] })
  const listener = testBot({
    id: 'listener',
    needs: () => ({ alerts: [{ botIds: ['finder'] }] }),
    handleAlert: (alert, ctx) => {
      heard.push(alert)
      const count = (ctx.state.get<number>('count') ?? 0) + 1
      ctx.state.set('count', count)
      return [seen({ uniqueKey: alert.id, description: `heard ${count}` })]
    },
  })
  const store = createMemoryEngineStore()
  const rig = await startRig({ store, bots: [listener, finder] })
  await rig.block()
  const { block: head } = rig.chain.head()
  const rehearsal = await rehearse({
    cast: rig.engine.cast(),
    source: rig.chain.source,
    simulate: async ({ asks }) => ({
      transactions: [result],
      answers: asks.map(() => ({ ok: false, data: '0x' })),
    }),
    head,
    blockTimeS: 1,
    transactions: [ATTACK],
    baseAnswers: [],
    log: silent,
  })
  return { rig, heard, rehearsal }
}

test('behavior: who listens to others hears of what a pending transaction would bring, and keeps nothing of it', async () => {
  const { rig, heard, rehearsal } = await play(WORKED)
  expect(rehearsal.isTouched).toBe(true)
  expect(rehearsal.rows.map(({ botId, status, txHash }) => [botId, status, txHash])).toEqual([
    ['listener', 'pending', ATTACK.hash],
    ['finder', 'pending', ATTACK.hash],
  ])
  const [, found] = rehearsal.rows
  // It hears of the finding under the id by which it is stored.
  expect(heard.map(({ id }) => id)).toEqual([found?.id])
  const mined = await rig.block({ logs: [log()] })
  const own = mined.findings.find(({ botId }) => botId === 'listener')
  expect(own?.description).toBe('heard 1')
})

test('behavior: a transaction that touches nothing runs nobody', async () => {
  const { heard, rehearsal } = await play({ ...WORKED, logs: [] })
  expect(rehearsal).toMatchObject({ isTouched: false, rows: [] })
  expect(heard).toEqual([])
})
