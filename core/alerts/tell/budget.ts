import { inArray, sql } from 'drizzle-orm'
import type { Sev } from '../../base/index.ts'
import { type DatabaseTransaction, tables } from '../../store/index.ts'
import type { AlertChange, RoutingConfig } from '../types.ts'

/** What a channel took within its minute. */
type Window = { since: number; count: number }

const MINUTE_MS = 60_000

/** How many messages each channel may still take in its minute. Wants the alert lock. */
export type Budget = {
  /**
   * Those of the channels that take a message now, each counted; SEV1 and what ends something always leave, and so does
   * what an Alertmanager is told: it wants every alert.
   */
  readonly take: (
    channels: readonly string[],
    message: { readonly severity: Sev; readonly change: AlertChange },
  ) => { readonly now: readonly string[]; readonly later: readonly string[]; readonly dueAt: Date }
  readonly save: (tx: DatabaseTransaction) => Promise<void>
}

const keyOf = (channel: string): string => `told:${channel}`

const isExempt = (message: { readonly severity: Sev; readonly change: AlertChange }): boolean =>
  message.change === 'resolved' ||
  message.change === 'retracted' ||
  (message.severity === 'SEV1' && message.change !== 'unknown')

export const loadBudget = async (
  tx: DatabaseTransaction,
  config: RoutingConfig,
  options: { readonly now: Date; readonly perMinute: number },
): Promise<Budget> => {
  const nowMs = options.now.getTime()
  const names = config.channels.map(({ name }) => name)
  const rows =
    names.length === 0
      ? []
      : await tx
          .select()
          .from(tables.keyValue)
          .where(inArray(tables.keyValue.key, names.map(keyOf)))
  const windows = new Map<string, Window>()
  for (const { key, value } of rows) {
    const stored = value as Partial<Window> | null
    const since = Number(stored?.since)
    if (Number.isFinite(since)) windows.set(key, { since, count: Number(stored?.count) || 0 })
  }
  const changed = new Set<string>()
  const unlimited = new Set(
    config.channels.filter(({ kind }) => kind === 'alertmanager').map(({ name }) => name),
  )
  const windowOf = (channel: string): Window => {
    const key = keyOf(channel)
    const known = windows.get(key)
    if (known && nowMs - known.since < MINUTE_MS && nowMs >= known.since) return known
    const fresh = { since: nowMs, count: 0 }
    windows.set(key, fresh)
    return fresh
  }
  return {
    take: (channels, message) => {
      const now: string[] = []
      const later: string[] = []
      let dueMs = nowMs
      for (const channel of channels) {
        if (isExempt(message) || unlimited.has(channel)) {
          now.push(channel)
          continue
        }
        const window = windowOf(channel)
        if (window.count >= options.perMinute) {
          later.push(channel)
          dueMs = Math.max(dueMs, window.since + MINUTE_MS)
          continue
        }
        window.count += 1
        changed.add(keyOf(channel))
        now.push(channel)
      }
      return { now, later, dueAt: new Date(dueMs) }
    },
    save: async (tx2) => {
      const values = [...changed].map((key) => ({
        key,
        value: { ...(windows.get(key) ?? { since: nowMs, count: 0 }) },
      }))
      if (values.length === 0) return
      await tx2
        .insert(tables.keyValue)
        .values(values)
        .onConflictDoUpdate({
          target: tables.keyValue.key,
          set: { value: sql`excluded.value`, updatedAt: sql`now()` },
        })
    },
  }
}
