import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createSignerFixture, type SignerFixture } from '../../test/support/signerFixture.ts'
import type { Hex } from '../base/index.ts'
import { capsAfter, outbidFees } from './pendingAttack.ts'
import type { Policy } from './types.ts'

const GWEI = 1_000_000_000n

describe('fees', () => {
  const policy = {
    maxFeePerGasWei: 500n * GWEI,
    maxPriorityFeePerGasWei: 50n * GWEI,
    pending: { answer: true, maxPriorityFeePerGasWei: 100n * GWEI },
  } as Policy
  const market = { nextBaseFee: 10n * GWEI, tipP90: 2n * GWEI }
  const attack = (tip: bigint, max = tip + 20n * GWEI) => ({
    hash: '0x1',
    maxFeePerGas: max,
    maxPriorityFeePerGas: tip,
  })

  test('behavior: an eighth above the attack, in tip and in ceiling', () => {
    const fees = outbidFees(market, policy, attack(40n * GWEI))
    expect(fees.maxPriorityFeePerGas).toBe(45n * GWEI + 1n)
    expect(fees.maxFeePerGas).toBeGreaterThan(60n * GWEI)
  })
  test('behavior: never above the caps, never below what the market asks', () => {
    expect(outbidFees(market, policy, attack(400n * GWEI, 4_000n * GWEI))).toEqual({
      maxFeePerGas: 500n * GWEI,
      maxPriorityFeePerGas: 100n * GWEI,
    })
    expect(outbidFees(market, policy, attack(0n)).maxPriorityFeePerGas).toBe(2n * GWEI)
    const frugal = { ...policy, pending: { answer: true } }
    expect(outbidFees(market, frugal, attack(90n * GWEI)).maxPriorityFeePerGas).toBe(50n * GWEI)
  })
  test('behavior: a tip that the ceiling of the attack leaves no room for is not outbid', () => {
    const fees = outbidFees(market, policy, attack(90n * GWEI, 12n * GWEI))
    expect(fees.maxPriorityFeePerGas).toBeLessThan(5n * GWEI)
  })
  test('behavior: a replacement goes on under the cap that the answer began with', () => {
    expect(capsAfter(policy, 60n * GWEI).maxPriorityFeePerGasWei).toBe(100n * GWEI)
    expect(capsAfter(policy, 50n * GWEI).maxPriorityFeePerGasWei).toBe(50n * GWEI)
  })
})

describe('the signer', () => {
  let fixture: SignerFixture
  beforeAll(async () => {
    fixture = await createSignerFixture()
  })
  afterEach(() => fixture.reset())
  afterAll(() => fixture?.stop())

  const send = async (): Promise<Hex> =>
    fixture.anvil.rpc('eth_sendTransaction', [
      { from: fixture.admin, to: fixture.admin, value: '0x1', gas: '0x5208' },
    ])

  test('behavior: a pending finding asks for nothing where the policy does not answer such', async () => {
    await fixture.writePolicy()
    const { executions } = await fixture.find({ status: 'pending', txHash: await send() })
    expect(executions).toEqual([])
  })

  test('error: one that was written beside the watcher is refused', async () => {
    await fixture.writePolicy()
    const { finding, executions } = await fixture.find()
    await fixture.database.pool.query(
      `update tocsin.finding set status = 'pending', tx_hash = $2 where id = $1`,
      [finding.id, await send()],
    )
    await fixture.start()
    const row = await fixture.until(executions[0] ?? '', ({ status }) => status === 'refused')
    expect(row.reasonCode).toBe('pending')
    expect(await fixture.isPaused()).toBe(false)
  })

  test('behavior: a transaction that its own endpoint has pending is answered', async () => {
    await fixture.writePolicy({ pending: { answer: true } })
    const txHash = await send()
    const { executions } = await fixture.find({ status: 'pending', txHash })
    await fixture.start()
    await fixture.until(executions[0] ?? '', ({ status }) => status === 'sent')
    await fixture.mine()
    await fixture.until(executions[0] ?? '', ({ status }) => status === 'succeeded')
    expect(await fixture.isPaused()).toBe(true)
  })

  test('error: one that its own endpoint does not know is not, nor one that is mined already', async () => {
    await fixture.writePolicy({ pending: { answer: true } })
    const unknown = await fixture.find({ status: 'pending', txHash: `0x${'ab'.repeat(32)}` })
    await fixture.start()
    const log = async () => fixture.row(unknown.executions[0] ?? '')
    for (let tries = 0; tries < 20; tries++) {
      await fixture.mine()
      expect((await log()).status).toBe('requested')
    }
    await fixture.stopSigners()
    await fixture.reset()
    await fixture.writePolicy({ pending: { answer: true } })
    const txHash = await send()
    const { executions } = await fixture.find({ status: 'pending', txHash })
    await fixture.mine()
    await fixture.start()
    const row = await fixture.until(executions[0] ?? '', ({ status }) => status === 'refused')
    expect(row.reasonCode).toBe('pending_over')
    expect(await fixture.isPaused()).toBe(false)
  })

  test('behavior: the mined finding asks anew where the pending one still waits', async () => {
    await fixture.writePolicy({ pending: { answer: true } })
    const txHash = await send()
    const pending = await fixture.find({ status: 'pending', txHash })
    await fixture.mine()
    const mined = await fixture.find({ txHash })
    expect(mined.executions).toHaveLength(1)
    await fixture.start()
    await fixture.until(pending.executions[0] ?? '', ({ status }) => status === 'refused')
    await fixture.until(mined.executions[0] ?? '', ({ status }) => status === 'sent')
  })
})
