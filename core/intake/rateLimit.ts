export type RateLimit = {
  /** 0 when one may pass now, else how long to wait (ms). */
  readonly take: (key: string, perMinute: number, nowMs: number) => number
}

type Bucket = { tokens: number; atMs: number }

/** Most keys that are remembered: the one that was silent longest is forgotten, and starts full. */
const MAX_KEYS = 2_000

/** A bucket for each key, that fills with `perMinute` and holds a tenth of it at once (at least ten). */
export const createRateLimit = (): RateLimit => {
  const buckets = new Map<string, Bucket>()
  return {
    take: (key, perMinute, nowMs) => {
      const most = Math.max(10, perMinute / 10)
      const known = buckets.get(key)
      const bucket = known ?? { tokens: most, atMs: nowMs }
      buckets.delete(key)
      buckets.set(key, bucket)
      if (buckets.size > MAX_KEYS) {
        const [oldest] = buckets.keys()
        if (oldest !== undefined) buckets.delete(oldest)
      }
      const passedMs = Math.max(0, nowMs - bucket.atMs)
      bucket.tokens = Math.min(most, bucket.tokens + (passedMs * perMinute) / 60_000)
      bucket.atMs = nowMs
      if (bucket.tokens >= 1) {
        bucket.tokens--
        return 0
      }
      return Math.ceil(((1 - bucket.tokens) * 60_000) / perMinute)
    },
  }
}
