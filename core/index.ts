/** Tocsin's public door: all that a bot or an action of your own needs. */
export * from './base/index.ts'
export type * from './chain/types.ts'
export type { ThingKind, WatchedThing } from './config/types.ts'
export * from './engine/baselines/index.ts'
export { defineBot } from './engine/defineBot.ts'
export * from './engine/helpers/index.ts'
export { defineMonitorBot } from './engine/monitors/index.ts'
export type * from './engine/types.ts'
export { defineAction } from './response/defineAction.ts'
export { findLoweredGuard } from './response/findLoweredGuard.ts'
export type {
  ActionDefinition,
  Policy,
  PolicyFacts,
  ProbeContext,
  ProbeResult,
} from './response/types.ts'
