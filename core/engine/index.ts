export { toBotAlert } from './alertNeeds.ts'
export {
  createEngine,
  type Engine,
  type EngineOptions,
  type ProcessedBlock,
} from './createEngine.ts'
export { createWatchdog, type Watchdog } from './createWatchdog.ts'
export { defineBot } from './defineBot.ts'
export { bindBots, type EngineBot, listLabels } from './engineBot.ts'
export type { EngineStore, FindingRow } from './engineStore.ts'
export { createMemoryEngineStore, type MemoryEngineStore } from './memoryEngineStore.ts'
export { createPostgresEngineStore } from './postgresEngineStore.ts'
export type { RemoteReader } from './remoteViews.ts'
export { type BacktestOptions, type BacktestResult, runBacktest } from './runBacktest.ts'
export { runWatcher, type WatcherOptions } from './runWatcher.ts'
export type * from './types.ts'
export { type ChainWatch, type WatchChainOptions, watchChain } from './watchChain.ts'
