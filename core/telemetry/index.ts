export { createLogger, type Logger } from './createLogger.ts'
export type { ProcessReport, RunningProcess } from './types.ts'
