/** The side door for whoever runs bots over history: nothing behind it loads the database's library. */
export { NAB_PROFILES, type NabScore, type NabSeries, scoreNab } from './baselines/nab.ts'
export { NAB_DETECTORS } from './baselines/nabDetectors.ts'
export { compileFilter } from './compileFilter.ts'
export { compileNeeds } from './compileNeeds.ts'
export { createEngine, type Engine } from './createEngine.ts'
export { createWatchdog, type Watchdog } from './createWatchdog.ts'
export { bindBots, type EngineBot, listLabels } from './engineBot.ts'
export { createMemoryEngineStore } from './memoryEngineStore.ts'
export {
  type MonitorConditions,
  parseExpression,
  type SignatureCondition,
} from './monitors/index.ts'
export { openRemoteHistory, type RemoteHistory } from './remoteHistory.ts'
export { runBacktest } from './runBacktest.ts'
export { type LanesResult, runLanes } from './runLanes.ts'
export { shareSource } from './shareSource.ts'
