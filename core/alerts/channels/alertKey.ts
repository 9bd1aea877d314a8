import { createHash } from 'node:crypto'

/**
 * Key under which a pager folds what is sent about one alert: the same from every process and after every restart, so
 * that a message that is sent twice pages once. `round`: one that somebody had in hand before rings anew. At most 255
 * characters.
 */
export const alertKey = (alert: string, round = 0): string =>
  `tocsin:${createHash('sha256').update(alert).digest('hex')}${round > 0 ? `.${round}` : ''}`
