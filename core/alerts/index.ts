export { acknowledgeAlert, resolveAlert } from './changeAlert.ts'
export { foldFindings } from './foldFindings.ts'
export {
  type ActResult,
  acknowledgeIncident,
  unacknowledgeIncident,
} from './incident/acknowledgeIncident.ts'
export { commentIncident } from './incident/commentIncident.ts'
export {
  type BlastRadius,
  describeBlastRadius,
  type LikelyCause,
  likelyCause,
} from './incident/correlation.ts'
export {
  createDependencyMap,
  type DependencyMap,
  type MapConfig,
  type MapNode,
} from './incident/dependencyMap.ts'
export { mitigateIncident, resolveIncident } from './incident/endIncident.ts'
export type { Act, IncidentRef } from './incident/findIncident.ts'
export { type IncidentSettings, incidentSettings } from './incident/incidentSettings.ts'
export { type IncidentState, incidentState } from './incident/incidentState.ts'
export { mergeIncidents, splitIncident } from './incident/mergeIncidents.ts'
export {
  type IncidentEventKind,
  type IncidentEventRow,
  type IncidentNote,
  noteIncident,
} from './incident/noteIncident.ts'
export {
  type IncidentView,
  readIncident,
  readTimeline,
  type TimelineEntry,
} from './incident/readIncident.ts'
export { isBusinessTime, measureTargets, type TargetFigure } from './incident/targets.ts'
export { tickIncidents } from './incident/tickIncidents.ts'
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
