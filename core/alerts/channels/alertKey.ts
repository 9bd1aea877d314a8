import { createHash } from 'node:crypto'

/**
 * Key under which a pager folds what is sent about one alert: the same from every process and after every restart, so
 * that a message that is sent twice pages once. At most 255 characters.
 */
export const alertKey = (alert: string): string =>
  `tocsin:${createHash('sha256').update(alert).digest('hex')}`
