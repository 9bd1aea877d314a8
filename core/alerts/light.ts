/** The side door: what a finding would become, without the database's library. */
export { foldKey } from './foldKey.ts'
export { routeFinding } from './routeFinding.ts'
