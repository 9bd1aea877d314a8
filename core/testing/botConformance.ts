import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { stableHash } from '../base/index.ts'
import type { BotDefinition, FindingRow } from '../engine/index.ts'
import { type BotHarness, type BotHarnessOptions, createBotHarness } from './createBotHarness.ts'
import type { BlockInput, FakeBlock } from './fakeChain.ts'

export type BotScenario = readonly BlockInput[] | ((harness: BotHarness) => Promise<unknown>)

export type BotConformanceOptions = BotHarnessOptions & {
  /** A story in which the bot finds something. It may roll back itself. */
  readonly scenario: BotScenario
  /** Ordinary traffic on the same things, on which the bot must stay silent. */
  readonly benign?: BotScenario
  /** Path or URL of the runbook. Default: `bots/<id>/runbook.md` in the working directory. */
  readonly runbook?: string | URL
}

export type ConformanceCase = { readonly name: string; readonly run: () => Promise<void> }

/** What every runbook has. */
export const RUNBOOK_HEADINGS = [
  'What it means',
  'Likely causes',
  'What to do',
  'How to end it',
  'When to escalate',
]

/** Blocks that anybody could mine: strangers' transfers, calls and deployments, and nothing at all. */
const noise: readonly BlockInput[] = [0, 1, 2, 3].map((round) => {
  const stranger = `0x${stableHash('stranger', round).slice(0, 40)}` as const
  const topic = `0x${stableHash('topic', round)}` as const
  return round === 3
    ? { touched: [] }
    : {
        touched: [],
        txs: [
          { from: stranger, value: 10n ** 18n },
          {
            from: stranger,
            to: stranger,
            input: '0xa9059cbb',
            logs: [{ address: stranger, topics: [topic], data: '0x' }],
          },
          { from: stranger, to: null, input: '0x6000', contractAddress: stranger },
          { from: stranger, to: stranger, status: 'reverted' },
        ],
      }
})

/** A finding of a bot that nobody knows, about nothing that is watched: no reason for anybody to speak. */
const rumour: BlockInput = {
  touched: [],
  txs: [{}],
  findings: [
    {
      botId: 'stranger',
      alertId: 'RUMOUR',
      severity: 'Critical',
      name: '\u202e<script>rumour</script>\u0000',
      tx: 0,
      metadata: { units: 'many', setUp: 'maybe', tx: '0x' },
    },
  ],
}

const play = async (harness: BotHarness, scenario: BotScenario): Promise<void> => {
  if (typeof scenario === 'function') await scenario(harness)
  else for (const block of scenario) await harness.block(block)
}

/** Findings without what depends on the clock. */
const facts = (findings: readonly FindingRow[]): unknown =>
  findings.map(({ latencyMs: _, ...row }) => row).sort((a, b) => (a.id < b.id ? -1 : 1))

/**
 * What every bot must hold to: it replays identically, survives rollbacks, is silent on ordinary traffic, raises only
 * what it declares, keeps what it was given unchanged, and has a complete runbook. Each case is one test.
 * @example for (const { name, run } of botConformance(tvlDrop, { things, scenario })) test(name, run)
 */
export const botConformance = <P>(
  bot: BotDefinition<P>,
  options: BotConformanceOptions,
): readonly ConformanceCase[] => {
  const withHarness = async <T>(work: (harness: BotHarness) => Promise<T>): Promise<T> => {
    const harness = await createBotHarness(bot, options)
    try {
      return await work(harness)
    } finally {
      await harness.stop()
    }
  }
  /** Plays the scenario and takes the chain that came of it, from its first block on. */
  const record = () =>
    withHarness(async (harness) => {
      const start = harness.head().number
      await play(harness, options.scenario)
      const findings = facts(harness.findings())
      const memory = await harness.memory()
      const live = harness.findings().filter(({ status }) => status !== 'retracted')
      const blocks = await harness.rollback(harness.head().number - start)
      return { blocks, findings, memory, live }
    })

  const survives = async (
    straight: { readonly memory: unknown; readonly live: readonly FindingRow[] },
    blocks: readonly FakeBlock[],
    disturb: (harness: BotHarness, done: number) => Promise<void>,
  ): Promise<void> =>
    withHarness(async (harness) => {
      for (const [index, block] of blocks.entries()) {
        await harness.replay([block])
        await disturb(harness, index + 1)
      }
      const live = harness.findings().filter(({ status }) => status !== 'retracted')
      assert.deepEqual(facts(live), facts(straight.live), 'other findings than in a straight run')
      assert.deepEqual(
        await harness.memory(),
        straight.memory,
        'another state than in a straight run',
      )
    })

  return [
    {
      name: 'conformance: the scenario is found',
      run: async () => {
        const { findings } = await record()
        assert.ok(Array.isArray(findings) && findings.length > 0, 'the scenario raises nothing')
      },
    },
    {
      name: 'conformance: replays identically',
      run: async () => {
        const [first, second] = [await record(), await record()]
        assert.deepEqual(second.findings, first.findings)
        assert.deepEqual(second.memory, first.memory)
        await survives(first, first.blocks, async () => undefined)
      },
    },
    {
      name: 'conformance: survives rollbacks of every depth',
      run: async () => {
        const straight = await record()
        for (const depth of [1, 2, 3, 5, 8, 13]) {
          if (depth > straight.blocks.length) break
          await survives(straight, straight.blocks, async (harness, done) => {
            if (done < depth) return
            const orphaned = await harness.rollback(depth)
            await harness.replay(orphaned)
          })
        }
      },
    },
    {
      name: 'conformance: survives a detour over another branch',
      run: async () => {
        const straight = await record()
        await survives(straight, straight.blocks, async (harness, done) => {
          const depth = Math.min(done, 2)
          const orphaned = await harness.rollback(depth)
          for (let i = 0; i < depth; i++)
            await harness.blockWithFailures({ salt: `detour ${done} ${i}` })
          await harness.rollback(depth)
          await harness.replay(orphaned)
        })
      },
    },
    {
      name: 'conformance: silent on ordinary traffic',
      run: () =>
        withHarness(async (harness) => {
          if (options.benign) await play(harness, options.benign)
          // Strangers' blocks say nothing of the watched state, so it stays as it was.
          await play(harness, bot.handleAlert ? [...noise, rumour] : noise)
          assert.deepEqual(
            harness.findings().map(({ alertId, description }) => `${alertId}: ${description}`),
            [],
          )
        }),
    },
    {
      name: 'conformance: raises only what it declares',
      run: async () => {
        const declared = bot.alerts.map(({ id }) => id)
        for (const { alertId } of (await record()).live)
          assert.ok(declared.includes(alertId), alertId)
        assert.doesNotThrow(() => bot.parameters.parse({}), 'parameters must fill every default')
      },
    },
    {
      name: 'conformance: the runbook is complete',
      run: async () => {
        const path = options.runbook ?? join(process.cwd(), 'bots', bot.id, 'runbook.md')
        assert.ok(existsSync(path), `there is no runbook at ${String(path)}`)
        const lines = readFileSync(path, 'utf8').split('\n')
        const titles = lines
          .filter((line) => /^#{1,4} /.test(line))
          .map((line) =>
            line
              .replace(/^#+\s*/, '')
              .trim()
              .toLowerCase(),
          )
        for (const heading of RUNBOOK_HEADINGS) {
          assert.ok(titles.includes(heading.toLowerCase()), `the runbook lacks "${heading}"`)
          const start = lines.findIndex(
            (line) => /^#{1,4} /.test(line) && line.toLowerCase().includes(heading.toLowerCase()),
          )
          const rest = lines.slice(start + 1)
          const end = rest.findIndex((line) => /^#{1,4} /.test(line))
          const body = rest
            .slice(0, end < 0 ? undefined : end)
            .join('')
            .trim()
          assert.ok(body.length >= 20, `"${heading}" of the runbook says nothing`)
        }
      },
    },
  ]
}
