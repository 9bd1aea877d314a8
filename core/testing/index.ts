/** Helpers for tests of bots and actions, and for local chains. */
export { type Anvil, type AnvilOptions, findAnvil, freePort, startAnvil } from './anvil.ts'
