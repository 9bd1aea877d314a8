/** The side door: what a finding would become, without the database's library. */
export { createChannel } from './channels/createChannel.ts'
export { alertIdOf, foldKey } from './foldKey.ts'
export { routeFinding } from './routeFinding.ts'
export type { AlertMessage, SendResult } from './types.ts'
