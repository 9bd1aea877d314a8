/** Forta: hosts unmodified `forta-agent` bots, each in a process of its own. */
export * from './light.ts'
export { createFortaApi, type FortaApi } from './services/createApi.ts'
export { createJwt } from './services/createJwt.ts'
