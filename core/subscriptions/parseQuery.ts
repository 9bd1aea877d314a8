import { subscriptionFilterSchema } from '../config/schema.ts'
import type { SubscriptionFilter } from './matchesFilter.ts'

export type StreamQuery =
  | { readonly filter: SubscriptionFilter; readonly after: number | undefined }
  | { readonly problem: string }

const LISTS = ['bot', 'alertId', 'chain', 'thing', 'address', 'protocol', 'status'] as const
const KNOWN: ReadonlySet<string> = new Set([...LISTS, 'minSeverity', 'cursor'])

/**
 * Reads what a stream is asked for: the fields of a filter, lists with commas or repeated, and where to go on: `cursor`,
 * else the header Last-Event-ID. A name that it does not know is refused: a filter that was meant must not be lost.
 */
export const parseStreamQuery = (
  query: URLSearchParams,
  lastEventId: string | undefined,
): StreamQuery => {
  const strange = [...query.keys()].find((key) => !KNOWN.has(key))
  if (strange !== undefined)
    return { problem: `"${strange.slice(0, 40)}" is none of ${[...KNOWN].join(', ')}` }
  const lists = LISTS.flatMap((key) => {
    const values = query.getAll(key).flatMap((text) => text.split(',').filter(Boolean))
    return values.length > 0 ? [[key, values] as const] : []
  })
  const minSeverity = query.get('minSeverity') ?? undefined
  const parsed = subscriptionFilterSchema.safeParse({
    ...Object.fromEntries(lists),
    ...(minSeverity === undefined ? {} : { minSeverity }),
  })
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    return { problem: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'it is not valid'}` }
  }
  const place = query.get('cursor') ?? lastEventId
  if (place === undefined || place === '') return { filter: parsed.data, after: undefined }
  if (!/^\d{1,15}$/.test(place)) return { problem: 'a cursor is the `seq` of an event' }
  return { filter: parsed.data, after: Number(place) }
}
