import { z } from 'zod'
import { TocsinError } from '../base/index.ts'

const LIMIT_MS = 3_000
const MOST_BYTES = 1_000_000
const PER_PAGE = 100
/** Alerts of one incident beyond these are not looked for. */
const MOST_PAGES = 3

const pageSchema = z.object({
  alerts: z.array(z.object({ alert_key: z.string().max(255).nullish() })).max(PER_PAGE),
  more: z.boolean().nullish(),
})

/**
 * The keys of all alerts that PagerDuty has grouped into one incident of its own: its webhook names at most the first.
 * @throws TocsinError `pagerduty.not_asked` when PagerDuty does not say, within three seconds
 */
export const listPagerdutyKeys = async (options: {
  readonly incident: string
  /** Key of the REST API; one that reads is enough. */
  readonly token: string
  readonly url: string
}): Promise<readonly string[]> => {
  const { incident, token, url } = options
  const signal = AbortSignal.timeout(LIMIT_MS)
  const keys: string[] = []
  const fail = (reason: string, cause?: unknown): never => {
    throw new TocsinError(
      'pagerduty.not_asked',
      `PagerDuty's alerts could not be read: ${reason}`,
      {
        ...(cause === undefined ? {} : { cause }),
      },
    )
  }
  // It becomes part of a path.
  if (!/^[A-Za-z0-9]{1,40}$/.test(incident)) return fail('its incident has no proper id.')
  for (let page = 0; page < MOST_PAGES; page++) {
    const where = new URL(`/incidents/${incident}/alerts`, url)
    where.searchParams.set('limit', String(PER_PAGE))
    where.searchParams.set('offset', String(page * PER_PAGE))
    const response = await fetch(where, {
      signal,
      redirect: 'error',
      headers: {
        accept: 'application/vnd.pagerduty+json;version=2',
        authorization: `Token token=${token}`,
      },
    }).catch((cause: unknown) => fail('no answer.', cause))
    if (!response.ok) {
      await response.body?.cancel()
      return fail(`it answered ${response.status}.`)
    }
    const text = await readText(response).catch((cause: unknown) => fail('no whole answer.', cause))
    const parsed = pageSchema.safeParse(parseJson(text))
    if (!parsed.success) return fail('its answer has another shape.')
    keys.push(...parsed.data.alerts.flatMap(({ alert_key }) => alert_key ?? []))
    if (!parsed.data.more) break
  }
  return [...new Set(keys)]
}

const readText = async (response: Response): Promise<string> => {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    if (size > MOST_BYTES) throw new Error('too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
