export { acknowledgeAlert, resolveAlert } from './changeAlert.ts'
export { foldFindings } from './foldFindings.ts'
export {
  type ActResult,
  acknowledgeIncident,
  unacknowledgeIncident,
} from './incident/acknowledgeIncident.ts'
export { commentIncident } from './incident/commentIncident.ts'
export { mitigateIncident, resolveIncident } from './incident/endIncident.ts'
export type { Act, IncidentRef } from './incident/findIncident.ts'
export {
  type IncidentEventKind,
  type IncidentEventRow,
  type IncidentNote,
  noteIncident,
} from './incident/noteIncident.ts'
export { readChannelFigures } from './outbox.ts'
export { routeFinding } from './routeFinding.ts'
export type { SilenceMatchers } from './silence/silenceMatchers.ts'
export {
  approveSilence,
  createSilence,
  endSilence,
  isSilenceActive,
  listSilences,
  type Silence,
  type Silencer,
} from './silence/silences.ts'
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
