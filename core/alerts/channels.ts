/** The side door to the channels alone, without the database's library. */
export { createChannel } from './channels/createChannel.ts'
export type { AlertMessage, Channel, SendResult } from './types.ts'
