export { acknowledgeAlert, resolveAlert } from './changeAlert.ts'
export { foldFindings } from './foldFindings.ts'
export { readChannelFigures } from './outbox.ts'
export { routeFinding } from './routeFinding.ts'
export {
  type Notifier,
  type NotifierConfig,
  type NotifierOptions,
  startNotifier,
} from './startNotifier.ts'
export type {
  AlertChange,
  AlertMessage,
  AlertRow,
  Channel,
  ChannelFigures,
  IncidentRow,
  SendResult,
} from './types.ts'
