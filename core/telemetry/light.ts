/** The side door: the log alone, without metrics and the database's library. */
export { createLogger, type Logger } from './createLogger.ts'
