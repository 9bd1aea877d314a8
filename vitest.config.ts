import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** Files that start no process of Tocsin, touch no environment, and need no database; they are given none. */
const SHARED = [
  'bots/*.test.ts',
  'bots/*/bot.test.ts',
  'bots/!(bridge)/**/*.test.ts',
  'actions/*/action.test.ts',
  'core/alerts/channels/*.test.ts',
  'core/base/**/*.test.ts',
  'core/chain/*.test.ts',
  'core/config/!(watchConfig).test.ts',
  'core/postmortem/*.test.ts',
  'core/engine/{baselines,helpers}/**/*.test.ts',
  'core/oncall/rota.test.ts',
  'core/oncall/receivers/*.test.ts',
  'core/engine/{compileFilter,decodeWords,handleAlert,isolation}.test.ts',
]

/** Files of a minute or more: begun first, so that no core waits for the other's last one. */
const SLOW =
  /(indexerLife|chaos|readiness|defenderFaults|badInput|blockingBots|policyEnforcement|signerKills|openzeppelinRelayer|test\/console)\.test\.ts$/

class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isSlow = ({ moduleId }: TestSpecification): boolean => SLOW.test(moduleId)
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))]
  }
}

export default defineConfig({
  resolve: {
    alias: [
      { find: /^tocsin$/, replacement: here('./core/index.ts') },
      { find: /^tocsin\/testing$/, replacement: here('./core/testing/index.ts') },
    ],
  },
  test: {
    sequence: { sequencer: SlowFirst },
    // Two cores: many files wait for blocks and deadlines, so that a third one fills the gaps.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 20_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'bots',
          include: SHARED,
          // Nothing of these outlives its file, so that viem, zod and the engine are loaded once for all of them.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'rooms',
          globalSetup: ['./test/support/globalSetup.ts'],
          include: ['{core,bots,actions,demo,test,bench,src}/**/*.test.ts'],
          exclude: ['**/node_modules/**', 'dist/**', ...SHARED],
        },
      },
    ],
  },
})
