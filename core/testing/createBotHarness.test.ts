import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { erc20Abi } from '../../abis/index.ts'
import { defineBot } from '../engine/index.ts'
import { type BotScenario, botConformance, createBotHarness, encodeLog, REVERTS } from './index.ts'

const TOKEN = '0x00000000000000000000000000000000000000aa'
const ALICE = '0x00000000000000000000000000000000000000a1'
const BOB = '0x00000000000000000000000000000000000000b2'
const TRANSFER = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'

const supplyWatch = defineBot({
  id: 'supply-watch',
  version: '1.0.0',
  summary: 'Moves above a limit, and a supply that falls.',
  parameters: z.object({ limit: z.coerce.bigint().default(100n) }),
  alerts: [
    { id: 'BIG', title: 'Big move', kind: 'event', severity: 'High' },
    { id: 'SUPPLY', title: 'Supply fell', kind: 'condition', severity: 'Critical' },
  ],
  kinds: ['token'],
  needs: ({ things }) => ({
    logs: [{ address: things.map(({ address }) => address), topics: [TRANSFER] }],
    everyBlock: true,
    reads: things.map(({ name, address }) => ({
      kind: 'call' as const,
      key: name,
      address,
      abi: erc20Abi,
      functionName: 'totalSupply',
    })),
  }),
  handleBlock: (_block, ctx) =>
    ctx.things.flatMap((thing) => {
      const supply = ctx.reads<bigint>(thing.name)
      if (!supply.ok) return []
      const before = ctx.state.get<bigint>('supply')
      ctx.state.set('supply', supply.value)
      ctx.window('supply', { keepS: 3_600 }).add(supply.value)
      if (before === undefined || supply.value >= before) return []
      return [
        {
          alertId: 'SUPPLY',
          name: 'Supply fell',
          description: `From ${before} to ${supply.value}.`,
          severity: 'Critical' as const,
          type: 'Suspicious' as const,
          thing: thing.name,
        },
      ]
    }),
  handleTransaction: (tx, ctx) =>
    tx.logs
      .filter((log) => ctx.thingAt(log.address) && BigInt(log.data) > ctx.parameters.limit)
      .map((log) => ({
        alertId: 'BIG',
        name: 'Big move',
        description: `${BigInt(log.data)} units.`,
        severity: 'High' as const,
        type: 'Info' as const,
        txHash: tx.hash,
        uniqueKey: String(log.logIndex),
        thing: ctx.thingAt(log.address)?.name ?? '',
      })),
})

const transfer = (value: bigint) =>
  encodeLog({
    abi: erc20Abi,
    eventName: 'Transfer',
    args: { from: ALICE, to: BOB, value },
    address: TOKEN,
  })

test('behavior: blocks, reads, parameters and rollback as a bot test states them', async () => {
  const harness = await createBotHarness(supplyWatch, {
    things: [{ kind: 'token', name: 'usd', address: TOKEN, owner: 'team' }],
    parameters: { limit: 10 },
  })
  expect(await harness.block({ logs: [transfer(10n)], reads: { usd: 1_000n } })).toEqual([])
  expect(await harness.block({ logs: [transfer(11n)] })).toMatchObject([
    { alertId: 'BIG', thing: 'usd', owner: 'team', status: 'provisional', condition: null },
  ])
  expect(await harness.block({ reads: { usd: 999n } })).toMatchObject([
    { alertId: 'SUPPLY', severity: 'Critical', condition: 'holds' },
  ])
  const orphaned = await harness.rollback(2)
  expect(harness.findings().map(({ status }) => status)).toEqual(['retracted', 'retracted'])
  expect(await harness.block({ reads: { usd: REVERTS } })).toEqual([])
  await harness.rollback(1)
  expect(await harness.replay(orphaned)).toHaveLength(2)
  expect(harness.findings().map(({ status }) => status)).toEqual(['provisional', 'provisional'])
  await harness.finalize()
  expect(harness.findings().map(({ status }) => status)).toEqual(['final', 'final'])
  await expect(harness.block({ reads: { nonsense: 1n } })).rejects.toThrow('declares no read')
  await harness.stop()
})

const folder = mkdtempSync(join(tmpdir(), 'tocsin-runbook-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const runbook = join(folder, 'runbook.md')
writeFileSync(
  runbook,
  ['What it means', 'Likely causes', 'What to do', 'How to end it', 'When to escalate']
    .map((title) => `## ${title}\n\nA sentence that says something.\n`)
    .join('\n'),
)
const scenario: BotScenario = [
  { reads: { usd: 1_000n } },
  { logs: [transfer(101n)] },
  { reads: { usd: 900n } },
  {},
  { reads: { usd: 901n }, logs: [transfer(1n), transfer(102n)] },
]
const things = [{ kind: 'token' as const, name: 'usd', address: TOKEN }]

describe('a sound bot passes', () => {
  const cases = botConformance(supplyWatch, {
    things,
    scenario,
    runbook,
    benign: [{ logs: [transfer(1n)] }],
  })
  for (const { name, run } of cases) test(name, run)
})

test('error: the suite finds a bot that remembers beside its state, one that is loud, an empty runbook', async () => {
  let seen = 0
  const forgetful = defineBot({
    ...supplyWatch,
    id: 'forgetful',
    handleBlock: (block, ctx) => {
      ctx.state.set('seen', ++seen)
      if (block.transactions.length === 0) return []
      return [{ alertId: 'BIG', name: 'x', description: `${seen}`, severity: 'Low', type: 'Info' }]
    },
  })
  const empty = join(folder, 'empty.md')
  writeFileSync(empty, '# Runbook\n## What it means\n')
  const cases = botConformance(forgetful, {
    things,
    scenario,
    runbook: empty,
    benign: [{ logs: [transfer(1n)] }],
  })
  const failed: string[] = []
  for (const { name, run } of cases)
    await run().catch(() => failed.push(name.replace('conformance: ', '')))
  expect(failed).toEqual([
    'replays identically',
    'survives rollbacks of every depth',
    'survives a detour over another branch',
    'silent on ordinary traffic',
    'the runbook is complete',
  ])
})
