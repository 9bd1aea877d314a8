import { TocsinError } from '../../base/index.ts'

/** What is left for one key, and when that was so. */
type Bucket = { left: number; at: number }

const MAX_KEYS = 10_000

/** Counts a request of somebody. @throws TocsinError `auth.rate_limited`, with the time to wait */
type Pace = (key: string, perMinute: number, subject: string) => void

/**
 * Lets each key send so many requests in a minute: all at once, and then as they grow back. Of this process alone, and
 * of the 10,000 keys that were heard of last.
 */
export const createPace = (clock = (): number => Date.now()): Pace => {
  const buckets = new Map<string, Bucket>()
  return (key, perMinute, subject) => {
    const now = clock()
    const before = buckets.get(key) ?? { left: perMinute, at: now }
    const left = Math.min(perMinute, before.left + ((now - before.at) * perMinute) / 60_000)
    // The one that was heard of longest ago stands first.
    buckets.delete(key)
    buckets.set(key, { left: left < 1 ? left : left - 1, at: now })
    const oldest = buckets.keys().next().value
    if (buckets.size > MAX_KEYS && oldest !== undefined) buckets.delete(oldest)
    if (left < 1)
      throw new TocsinError('auth.rate_limited', `${subject} ${perMinute} requests a minute.`, {
        retry: { afterMs: Math.ceil(((1 - left) * 60_000) / perMinute) },
      })
  }
}
