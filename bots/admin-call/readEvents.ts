import { type ChainLog, decodeLog, type Hex, requireAbi, TocsinError } from 'tocsin'
import type { Abi } from 'viem'
import { parseAbiItem, toEventSelector } from 'viem/utils'
import { EVENT_ITEMS, EVENT_TOPICS } from './events.ts'
import type { AdminEvent, AdminThing } from './types.ts'

type Item = Abi[number]

const byTopic = new Map<Hex, Item[]>()
for (const item of EVENT_ITEMS) {
  if (item.type !== 'event') continue
  const topic = toEventSelector(item)
  byTopic.set(topic, [...(byTopic.get(topic) ?? []), item])
}

const itemsOf = (thing: AdminThing, wanted: string): readonly Item[] => {
  requireAbi('admin-call', thing, { events: [wanted] })
  const isNamed = !wanted.includes('(')
  if (thing.abi && isNamed)
    return thing.abi.filter((item) => item.type === 'event' && item.name === wanted)
  const wrong = (cause?: unknown): TocsinError =>
    new TocsinError(
      'bot.bad_signature',
      `Bot "admin-call" cannot tell which event of "${thing.name}" is meant by "${wanted.slice(0, 80)}".`,
      {
        cause,
        hints: ['Write the signature, such as `FeeSet(uint256)`, or name an ABI for the thing.'],
        exitCode: 2,
      },
    )
  if (isNamed) throw wrong()
  try {
    const item = parseAbiItem(`event ${wanted}`)
    if (item.type !== 'event') throw wrong()
    // The ABI knows which arguments are indexed; a bare signature does not.
    const known = thing.abi?.filter(
      (one) => one.type === 'event' && toEventSelector(one) === toEventSelector(item),
    )
    return known?.length ? known : [item]
  } catch (cause) {
    throw wrong(cause)
  }
}

/**
 * The events that the watchlist wants reported beside the known ones, by topic.
 * @throws TocsinError `bot.abi_mismatch`, `bot.bad_signature`
 */
const extraEvents = (thing: AdminThing): ReadonlyMap<Hex, readonly Item[]> =>
  new Map(
    thing.parameters.events
      .flatMap((wanted) => itemsOf(thing, wanted))
      .flatMap((item): readonly (readonly [Hex, readonly Item[]])[] =>
        item.type === 'event' ? [[toEventSelector(item), [item]]] : [],
      ),
  )

export const adminTopics = (thing: AdminThing): readonly Hex[] => [
  ...new Set([...EVENT_TOPICS, ...extraEvents(thing).keys()]),
]

/** The events of one thing that tell of a change, in order. */
export const readEvents = (thing: AdminThing, logs: readonly ChainLog[]): readonly AdminEvent[] => {
  const own = logs.filter((log) => log.address === thing.address)
  if (own.length === 0) return []
  const extra = extraEvents(thing)
  return own.flatMap((log): readonly AdminEvent[] => {
    const topic = log.topics[0]
    const items = topic && (byTopic.get(topic) ?? extra.get(topic))
    if (!items) return []
    for (const item of items) {
      const decoded = decodeLog([item], log)
      if (decoded) return [{ ...decoded, log, isDecoded: true }]
    }
    const first = items[0]
    return [
      { name: first?.type === 'event' ? first.name : 'event', args: {}, log, isDecoded: false },
    ]
  })
}
