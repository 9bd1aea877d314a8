import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  resolve: {
    alias: [
      { find: /^tocsin$/, replacement: here('./core/index.ts') },
      { find: /^tocsin\/testing$/, replacement: here('./core/testing/index.ts') },
    ],
  },
  test: {
    globalSetup: ['./test/support/globalSetup.ts'],
    include: ['{core,bots,actions,demo,test,bench,src}/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'dist/**'],
    // Two cores: chain, database and processes of one test file already fill them.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 20_000,
  },
})
