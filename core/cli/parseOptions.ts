import { InvalidArgumentError } from 'commander'

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** A point in time: `30m`, `2h`, `7d` ago, or an ISO date. For commander. */
export const parseSince = (text: string): Date => {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (count && unit) return new Date(Date.now() - Number(count) * (UNIT_MS[unit] ?? 0))
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? new Date(text) : undefined
  if (time && !Number.isNaN(time.getTime())) return time
  throw new InvalidArgumentError('Say 30m, 2h, 7d, or a date such as 2026-01-31T12:00:00Z.')
}

/** A whole number from 1 to 10000. For commander. */
export const parseLimit = (text: string): number => {
  const limit = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= 10_000) return limit
  throw new InvalidArgumentError('Say a number from 1 to 10000.')
}
