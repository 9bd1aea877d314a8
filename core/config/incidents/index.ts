/** Files of labelled incidents, against which a backtest is judged. */
export { readIncidentFile } from './readIncidentFile.ts'
export type { LabelledIncident } from './types.ts'
