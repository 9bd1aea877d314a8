import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** Files that start no process of Tocsin, touch no environment, and need no database; they are given none. */
const SHARED = [
  'bots/*.test.ts',
  'bots/*/bot.test.ts',
  'bots/!(bridge)/**/*.test.ts',
  'core/base/**/*.test.ts',
  'core/config/!(watchConfig).test.ts',
  'core/engine/{baselines,helpers}/**/*.test.ts',
  'core/engine/{compileFilter,decodeWords,handleAlert,isolation}.test.ts',
]

export default defineConfig({
  resolve: {
    alias: [
      { find: /^tocsin$/, replacement: here('./core/index.ts') },
      { find: /^tocsin\/testing$/, replacement: here('./core/testing/index.ts') },
    ],
  },
  test: {
    // Two cores: chain, database and processes of one test file already fill them.
    maxWorkers: 2,
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
