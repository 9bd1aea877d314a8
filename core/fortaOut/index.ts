/** Bots of Tocsin as bots of the Forta network. */
export { type BuiltBot, buildFortaBot } from './buildFortaBot.ts'
export type * from './types.ts'
