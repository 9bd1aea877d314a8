import { type Logger as PinoLogger, pino } from 'pino'

export type Logger = PinoLogger

/**
 * JSON lines on stderr with the fields timestamp, service, level, trace_id, message and whatever context is given.
 * @example log.warn({ chain: 'mainnet', block: 1 }, 'The endpoint lags.')
 */
export const createLogger = (options: {
  readonly service: string
  readonly level?: string
  readonly traceId?: string
}): Logger =>
  pino(
    {
      level: options.level ?? 'info',
      base: { service: options.service, ...(options.traceId ? { trace_id: options.traceId } : {}) },
      messageKey: 'message',
      timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: ['password', 'secret', 'url', '*.password', '*.secret', 'headers.authorization'],
        censor: '[redacted]',
      },
    },
    pino.destination({ dest: 2, sync: true }),
  )
