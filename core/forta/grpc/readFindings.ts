import type { RawFinding } from '../types.ts'

type Raw = Readonly<Record<string, unknown>>

const isRaw = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const rows = (value: unknown): readonly Raw[] => (Array.isArray(value) ? value.filter(isRaw) : [])

/** A number of 32 bits as the bot wrote it. */
const shorten = (value: unknown): number => Number(Number(value).toPrecision(7))

const split = (pairs: unknown): Raw =>
  Object.fromEntries(
    (Array.isArray(pairs) ? pairs : []).flatMap((pair) => {
      if (typeof pair !== 'string') return []
      const at = pair.indexOf('=')
      return at < 0 ? [[pair, '']] : [[pair.slice(0, at), pair.slice(at + 1)]]
    }),
  )

/** Lists of a source that hold something. */
const sourceOf = (source: unknown): Raw =>
  Object.fromEntries(
    Object.entries(isRaw(source) ? source : {}).filter(([, list]) => rows(list).length > 0),
  )

/** Findings of an answer over gRPC, as the SDK's own objects look when they leave a process of ours. */
export const readFindings = (answer: Raw): readonly RawFinding[] =>
  rows(answer['findings']).map((finding) => {
    const source = sourceOf(finding['source'])
    return {
      ...finding,
      labels: rows(finding['labels']).map((label) => ({
        ...label,
        confidence: shorten(label['confidence']),
        metadata: split(label['metadata']),
      })),
      source: Object.keys(source).length > 0 ? source : undefined,
    }
  })

/** What an answer complains of, one sentence. */
export const readErrors = (answer: Raw): readonly string[] =>
  rows(answer['errors']).flatMap(({ message }) =>
    typeof message === 'string' && message !== '' ? [message] : [],
  )

/** What a bot's `Initialize` subscribed to, with nothing that is empty. */
export const readSubscriptions = (answer: Raw): readonly unknown[] => {
  const { alertConfig } = answer
  return rows(isRaw(alertConfig) ? alertConfig['subscriptions'] : []).map((one) =>
    Object.fromEntries(
      Object.entries(one).filter(
        ([, value]) => value !== '' && value !== 0 && !(Array.isArray(value) && value.length === 0),
      ),
    ),
  )
}
