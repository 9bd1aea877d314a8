export type { KnownBot } from './checkBots.ts'
export { type ConfigChange, type ConfigDiff, diffConfig } from './diffConfig.ts'
export { exportJsonSchema } from './exportJsonSchema.ts'
export { ConfigError, type Fault, faultLine } from './fault.ts'
export { type LoadConfigOptions, loadConfig } from './loadConfig.ts'
export { mergeBotParameters } from './mergeBotParameters.ts'
export type { EndpointReport } from './probe/probeEndpoint.ts'
export {
  type ProbeFault,
  type ProbeOptions,
  type ProbeReport,
  probeWatchlist,
} from './probe/probeWatchlist.ts'
export { findWriter, recordConfigChanges } from './recordConfigChanges.ts'
export { type WatchlistFile, watchlistSchema } from './schema.ts'
export type { SecretPart } from './secrets.ts'
export type * from './types.ts'
export { type ConfigWatcher, type WatchConfigOptions, watchConfig } from './watchConfig.ts'
