/** The side door for whoever runs bots over history: nothing behind it loads the database's library. */
export { NAB_PROFILES, type NabScore, type NabSeries, scoreNab } from './baselines/nab.ts'
export { NAB_DETECTORS } from './baselines/nabDetectors.ts'
export { compileFilter } from './compileFilter.ts'
export { compileNeeds } from './compileNeeds.ts'
export { createWatchdog, type Watchdog } from './createWatchdog.ts'
export { bindBots, listLabels } from './engineBot.ts'
export { runBacktest } from './runBacktest.ts'
