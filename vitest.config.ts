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

/**
 * Files that want a database but leave nothing behind in their process: no environment, no watchdog, no command of the
 * CLI (which sets the exit code). Each closes what it opened.
 */
const SHARED_WITH_DATABASE = [
  'actions/**/!(action).test.ts',
  'core/alerts/!(killNotifier).test.ts',
  'core/alerts/incident/*.test.ts',
  'core/cli/tune/*.test.ts',
  'core/config/{labels,probe}/*.test.ts',
  'core/config/watchConfig.test.ts',
  'core/console/*.test.ts',
  'core/console/{api,auth}/*.test.ts',
  'core/crosscheck/*.test.ts',
  'core/engine/{engineStore,strikeBook,tally}.test.ts',
  'core/engine/pending/*.test.ts',
  'core/intake/{goldens,startIntake}.test.ts',
  'core/labels/*.test.ts',
  'core/oncall/*.test.ts',
  'core/response/!(policyEnforcement.property|contractSignature).test.ts',
  'core/response/{desk,people,simulation}/*.test.ts',
  'core/response/senders/!(defender|defenderFaults).test.ts',
  'core/subscriptions/*.test.ts',
  'core/telemetry/*.test.ts',
  'core/testing/*.test.ts',
  'core/vigil/*.test.ts',
  'demo/**/*.test.ts',
  'test/scenarios/*.test.ts',
  'test/{readiness,weather,indexerDecode}.test.ts',
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
          include: SHARED_WITH_DATABASE,
          exclude: ['**/node_modules/**', 'dist/**', ...SHARED],
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'whole',
          globalSetup: ['./test/support/globalSetup.ts'],
          include: ['{core,bots,actions,demo,test,bench,src}/**/*.test.ts'],
          exclude: ['**/node_modules/**', 'dist/**', ...SHARED, ...SHARED_WITH_DATABASE],
        },
      },
    ],
  },
})
