import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createSignerFixture, type SignerFixture } from '../../../test/support/signerFixture.ts'
import {
  startTenderlyStandIn,
  type TenderlyStandIn,
} from '../../../test/support/tenderlyStandIn.ts'
import { type Hex, SELF_BOT_ID } from '../../base/index.ts'
import type { Config } from '../../config/types.ts'
import { tables } from '../../store/index.ts'

let f: SignerFixture
let tenderly: TenderlyStandIn
beforeAll(async () => {
  f = await createSignerFixture()
  tenderly = await startTenderlyStandIn(f.anvil.url)
}, 240_000)
afterAll(async () => {
  await f?.stopSigners()
  await tenderly?.stop()
  await f?.stop()
})
beforeEach(async () => {
  await f.reset()
  tenderly.setFault('none')
})

const word = (value: string): string => value.replace(/^0x/, '').padStart(64, '0')
/** Paused, a transfer of shares reverts; an approval does not. */
const calls = {
  transfer: () => `0xa9059cbb${word(f.admin)}${word('0')}`,
  approve: () => `0x095ea7b3${word(f.admin)}${word('1')}`,
}

/** An attack of that kind is mined, found and answered; the execution once it is decided. */
const answer = async (attack: keyof typeof calls, simulation: object, signer: object = {}) => {
  await f.writePolicy({
    simulation: { mode: 'required', onUnavailable: 'stop', onRevert: 'stop', ...simulation },
  })
  const txHash = await f.anvil.rpc<Hex>('eth_sendTransaction', [
    { from: f.admin, to: f.vault, data: calls[attack](), gas: '0x30d40' },
  ])
  await f.mine()
  const { executions } = await f.find({ txHash })
  const config = { ...f.config, signer: { ...f.config.signer, ...signer } } as unknown as Config
  await f.start({ config })
  return f.until(executions[0] ?? '', ({ status }) => status === 'sent' || status === 'refused')
}
const required = { assertions: { suspiciousReverts: 'required' } }

test('default: the result is kept with the execution: provider, assertions, and the block it was played on', async () => {
  const row = await answer('transfer', required)
  expect(row).toMatchObject({
    status: 'sent',
    simulation: {
      outcome: 'passed',
      method: 'eth_simulateV1',
      block: Number(await f.anvil.rpc<Hex>('eth_blockNumber')),
      assertions: [{ name: 'suspicious-reverts', outcome: 'held', isRequired: true }],
    },
  })
})

test('behavior: an action that would not stop the attack is not sent, and people are paged', async () => {
  const row = await answer('approve', required)
  expect([row.status, row.reasonCode, row.txHashes]).toEqual([
    'refused',
    'simulation_assertion',
    [],
  ])
  expect(row.reason).toContain('The suspicious call still succeeds after it.')
  const pages = await f.database.db
    .select()
    .from(tables.finding)
    .where(eq(tables.finding.alertId, 'EXECUTION-REFUSED'))
  expect(pages).toMatchObject([{ botId: SELF_BOT_ID, severity: 'Critical' }])
})

test('behavior: where it is only reported, the action is sent all the same', async () => {
  const row = await answer('approve', { assertions: { suspiciousReverts: 'report' } })
  expect(row).toMatchObject({
    status: 'sent',
    simulation: { assertions: [{ outcome: 'failed', isRequired: false }] },
  })
})

test('behavior: by Tenderly, with the block of the attack in sight', async () => {
  const row = await answer(
    'transfer',
    { providers: ['tenderly'], ...required },
    { tenderlyRpc: { local: [tenderly.url] } },
  )
  expect(row).toMatchObject({
    status: 'sent',
    simulation: { method: 'tenderly', outcome: 'passed' },
  })
})

test.each([
  ['required', 'stop', 'refused'],
  ['best-effort', 'stop', 'refused'],
  ['best-effort', 'proceed', 'sent'],
])(
  'behavior: without any simulation, mode %s and onUnavailable %s: %s',
  async (mode, onUnavailable, status) => {
    tenderly.setFault('error')
    const row = await answer(
      'transfer',
      { mode, onUnavailable, providers: ['tenderly'] },
      { tenderlyRpc: { local: [tenderly.url] } },
    )
    expect(row).toMatchObject({
      status,
      reasonCode: status === 'refused' ? 'simulation_unavailable' : null,
      simulation: { outcome: 'unavailable', method: 'none' },
    })
    expect(JSON.stringify(row.simulation)).toContain('quota exceeded')
  },
)
