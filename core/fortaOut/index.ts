/** Bots of Tocsin as bots of the Forta network. */
export { type BuiltBot, buildFortaBot } from './buildFortaBot.ts'
export { type Agent, createAgent } from './createAgent.ts'
export { findRefusals } from './findRefusals.ts'
export { serveAgent } from './serveAgent.ts'
export { toFortaFinding } from './toFortaFinding.ts'
export type * from './types.ts'
