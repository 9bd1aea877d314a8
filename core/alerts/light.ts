/** The side door: what a finding would become, without the database's library. */
export { alertKey } from './channels/alertKey.ts'
export { createChannel } from './channels/createChannel.ts'
export { slackBlocks } from './channels/slackBlocks.ts'
export { telegramText } from './channels/telegramChannel.ts'
export { alertIdOf, foldKey } from './foldKey.ts'
export { routeFinding } from './routeFinding.ts'
export type { AlertMessage, SendResult } from './types.ts'
