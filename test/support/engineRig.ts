import { pino } from 'pino'
import { z } from 'zod'
import type { Hex } from '../../core/base/index.ts'
import { createEngine, type Engine, type EngineOptions } from '../../core/engine/createEngine.ts'
import type { EngineBot } from '../../core/engine/engineBot.ts'
import type { BotDefinition, Needs } from '../../core/engine/types.ts'
import {
  type BlockInput,
  createFakeChain,
  type FakeBlock,
  type FakeChain,
} from '../../core/testing/fakeChain.ts'
import { makeThing } from '../../core/testing/makeThing.ts'

export const CHAIN = { id: 31_337, name: 'local' }
export const TOKEN = '0x00000000000000000000000000000000000000aa' as const
export const TOPIC = `0x${'11'.repeat(32)}` as const
export const silent = pino({ level: 'silent' })

export const log = (value = 0n): { address: typeof TOKEN; topics: Hex[]; data: Hex } => ({
  address: TOKEN,
  topics: [TOPIC],
  data: `0x${value.toString(16).padStart(64, '0')}`,
})

/** A bot of a test, with one token to look at. */
export const testBot = (
  definition: Partial<BotDefinition<unknown>> & { readonly id: string },
): EngineBot => {
  const parameters = {}
  return {
    parameters,
    things: [
      { ...makeThing({ kind: 'token', name: 'token', address: TOKEN, owner: 'team' }), parameters },
    ],
    definition: {
      version: '1.0.0',
      summary: 'A bot of a test.',
      parameters: z.object({}),
      alerts: [
        { id: 'SEEN', title: 'Seen', kind: 'event', severity: 'High' },
        { id: 'STATE', title: 'State', kind: 'condition', severity: 'Low' },
      ],
      kinds: ['token'],
      needs: () => ({ logs: [{ address: TOKEN }] }),
      ...definition,
    },
  }
}

export const seen = (changes: Record<string, unknown> = {}) => ({
  alertId: 'SEEN',
  name: 'Seen',
  description: 'It was seen.',
  severity: 'High' as const,
  type: 'Info' as const,
  ...changes,
})

export type TestRig = {
  readonly chain: FakeChain
  readonly engine: Engine
  readonly block: (input?: BlockInput) => ReturnType<Engine['processBlock']>
  readonly add: (input?: BlockInput) => FakeBlock
  readonly rollback: (n: number) => Promise<readonly FakeBlock[]>
}

/** An engine on a made-up chain. */
export const startRig = async <Tx>(
  options: Pick<EngineOptions<Tx>, 'store' | 'bots'> & Partial<EngineOptions<Tx>>,
  chain = createFakeChain(CHAIN),
): Promise<TestRig> => {
  const engine = await createEngine<Tx>({
    chainId: CHAIN.id,
    chainName: CHAIN.name,
    source: chain.source,
    labels: [],
    log: silent,
    dataPatienceMs: 200,
    ...options,
  })
  const needs: Needs = {
    reads: options.bots.flatMap(
      ({ definition, things }) =>
        definition.needs({ chain: CHAIN, parameters: {}, things, labels: [] }).reads ?? [],
    ),
  }
  const add = (input: BlockInput = {}): FakeBlock => chain.extend(input, needs)
  return {
    chain,
    engine,
    add,
    block: (input) => engine.processBlock(add(input).block),
    rollback: async (n) => {
      const orphaned = chain.rewind(n)
      const { number, hash } = chain.head().block
      await engine.rollback(
        { number, hash },
        orphaned.map(({ block }) => ({ number: block.number, hash: block.hash })),
      )
      return [...orphaned].reverse()
    },
  }
}
