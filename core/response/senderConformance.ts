import assert from 'node:assert/strict'
import { type Hex, sleep } from '../base/index.ts'
import type { Sender } from './sender.ts'

export type ConformanceFault = 'none' | 'hang' | 'accept-then-reset' | 'error-500'

/** What the suite needs of whoever brings a sender. The node must refuse replacements below 10 % as geth does. */
export type SenderHarness = {
  readonly sender: Sender
  /** Longest that one `send` may take (ms). */
  readonly deadlineMs: number
  /** Signs the action at the account's next nonce with these fees (wei per gas). */
  readonly sign: (fees: {
    readonly maxFeePerGas: bigint
    readonly maxPriorityFeePerGas: bigint
  }) => Promise<{ readonly raw: Hex; readonly hash: Hex }>
  readonly mine: () => Promise<void>
  /** Transactions of the account that were mined since the harness was made. */
  readonly countMined: () => Promise<number>
  /** Whether the effect stands on chain. */
  readonly isEffective: () => Promise<boolean>
  readonly setFault: (fault: ConformanceFault) => void
}

export type ConformanceCase = {
  readonly name: string
  readonly run: (harness: SenderHarness) => Promise<void>
}

const GWEI = 1_000_000_000n
const FEES = { maxFeePerGas: 100n * GWEI, maxPriorityFeePerGas: 10n * GWEI }
const raised = (percent: bigint): typeof FEES => ({
  maxFeePerGas: (FEES.maxFeePerGas * (100n + percent)) / 100n,
  maxPriorityFeePerGas: (FEES.maxPriorityFeePerGas * (100n + percent)) / 100n,
})

const assertOneEffect = async (harness: SenderHarness): Promise<void> => {
  await harness.mine()
  await harness.mine()
  assert.equal(await harness.countMined(), 1, 'exactly one transaction must be mined')
  assert.equal(await harness.isEffective(), true, 'the effect must stand')
}

/** The cases that every sender must pass, each with a fresh harness. Run them as tests: `for (const each of …)`. */
export const senderConformance: readonly ConformanceCase[] = [
  {
    name: 'one send, one effect, and its status is told',
    run: async (harness) => {
      const { raw, hash } = await harness.sign(FEES)
      assert.equal((await harness.sender.status(hash)).state, 'unknown')
      assert.equal((await harness.sender.send(raw)).outcome, 'accepted')
      assert.equal((await harness.sender.status(hash)).state, 'pending')
      await assertOneEffect(harness)
      const status = await harness.sender.status(hash)
      assert.equal(status.state, 'mined')
      assert.ok(
        status.state === 'mined' && status.success && status.feeWei > 0n && status.hash === hash,
      )
    },
  },
  {
    name: 'the same bytes many times, also at once, are one effect',
    run: async (harness) => {
      const { raw } = await harness.sign(FEES)
      const results = await Promise.all(Array.from({ length: 5 }, () => harness.sender.send(raw)))
      for (const { outcome } of results)
        assert.ok(outcome === 'accepted' || outcome === 'known', outcome)
      await assertOneEffect(harness)
      assert.equal((await harness.sender.send(raw)).outcome, 'nonce_used')
      await assertOneEffect(harness)
    },
  },
  {
    name: 'an answer lost after acceptance is not a second effect',
    run: async (harness) => {
      const { raw } = await harness.sign(FEES)
      harness.setFault('accept-then-reset')
      assert.notEqual((await harness.sender.send(raw)).outcome, 'rejected')
      harness.setFault('none')
      const { outcome } = await harness.sender.send(raw)
      assert.ok(outcome === 'known' || outcome === 'accepted', outcome)
      await assertOneEffect(harness)
    },
  },
  {
    name: 'a replacement of 9 % is told as underpriced, of 10 % it is taken, and only one is mined',
    run: async (harness) => {
      const first = await harness.sign(FEES)
      assert.equal((await harness.sender.send(first.raw)).outcome, 'accepted')
      const mean = await harness.sign(raised(9n))
      assert.equal((await harness.sender.send(mean.raw)).outcome, 'underpriced')
      const half = await harness.sign({
        ...raised(10n),
        maxPriorityFeePerGas: FEES.maxPriorityFeePerGas,
      })
      assert.equal((await harness.sender.send(half.raw)).outcome, 'underpriced')
      const fair = await harness.sign(raised(10n))
      assert.equal((await harness.sender.send(fair.raw)).outcome, 'accepted')
      await assertOneEffect(harness)
      assert.equal((await harness.sender.status(fair.hash)).state, 'mined')
      assert.equal((await harness.sender.status(first.hash)).state, 'unknown')
    },
  },
  {
    name: 'a silent or broken endpoint is told within the deadline, and never thrown',
    run: async (harness) => {
      const { raw } = await harness.sign(FEES)
      for (const fault of ['hang', 'error-500'] as const) {
        harness.setFault(fault)
        const late = sleep(harness.deadlineMs + 2_000).then(() => 'late' as const)
        const result = await Promise.race([harness.sender.send(raw), late])
        assert.notEqual(result, 'late')
        assert.ok(
          result !== 'late' && result.outcome === 'unreachable' && result.message.length < 1_000,
        )
      }
      harness.setFault('none')
      assert.equal((await harness.sender.send(raw)).outcome, 'accepted')
      await assertOneEffect(harness)
    },
  },
  {
    name: 'rubbish is refused',
    run: async (harness) => {
      assert.equal((await harness.sender.send('0x02c0')).outcome, 'rejected')
      await harness.mine()
      assert.equal(await harness.countMined(), 0)
    },
  },
]
