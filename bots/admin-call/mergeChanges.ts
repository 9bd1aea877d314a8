import type { AdminCall, AdminEvent } from './types.ts'

export type Merged = {
  /** Events, each with the call that made it, where one is known. */
  readonly events: readonly { readonly event: AdminEvent; readonly call: AdminCall | undefined }[]
  /** Calls that no event tells of. */
  readonly silent: readonly AdminCall[]
}

/**
 * One change, one finding: joins the events of one thing in one transaction with the calls that made them. A call takes
 * the first free event that its function is known to emit, an initialiser all of them. A function that only the
 * watchlist knows takes what is left when it is the only call; of several nobody can tell which emitted it.
 */
export const mergeChanges = (
  events: readonly AdminEvent[],
  calls: readonly AdminCall[],
): Merged => {
  const made = new Map<AdminEvent, AdminCall>()
  const silent: AdminCall[] = []
  const free = (names?: readonly string[]): readonly AdminEvent[] =>
    events.filter(
      (event) => !made.has(event) && (names === undefined || names.includes(event.name)),
    )
  for (const call of calls) {
    const { explains } = call.rule
    const known = free(explains)
    const isUnknown =
      explains.length === 0 && call.rule.source === 'watchlist' && calls.length === 1
    const taken = isUnknown ? free() : explains.includes('Initialized') ? known : known.slice(0, 1)
    for (const event of taken) made.set(event, call)
    if (taken.length === 0) silent.push(call)
  }
  return { events: events.map((event) => ({ event, call: made.get(event) })), silent }
}
