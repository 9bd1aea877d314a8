import { z } from 'zod'
import { jsonOf, type Vendor } from './vendorServer.ts'

export const ROUTING_KEY = 'R0UT1NGKEYR0UT1NGKEYR0UT1NGKEY00'
export const GENIE_KEY = 'aaaaaaaa-bbbb-cccc-dddd-000000000000'
export const TWILIO_SID = `AC${'0'.repeat(32)}`
export const TWILIO_TOKEN = 'T0KENT0KENT0KENT0KENT0KENT0KEN00'

const pagerdutyKey = z.string().min(1).max(255)
const pagerdutyEvent = z.discriminatedUnion('event_action', [
  z.object({
    event_action: z.literal('trigger'),
    routing_key: z.string().length(32),
    dedup_key: pagerdutyKey.optional(),
    client: z.string().optional(),
    payload: z.object({
      summary: z.string().min(1).max(1_024),
      source: z.string().min(1),
      severity: z.enum(['critical', 'error', 'warning', 'info']),
      timestamp: z.iso.datetime().optional(),
    }),
    links: z.array(z.object({ href: z.url(), text: z.string() })).optional(),
  }),
  z.object({
    event_action: z.enum(['acknowledge', 'resolve']),
    routing_key: z.string().length(32),
    dedup_key: pagerdutyKey,
  }),
])

export type PagerdutyIncident = {
  readonly key: string
  severity: string
  open: boolean
  acknowledged: boolean
  entries: number
}

/** PagerDuty's Events API v2: one incident per open key, what is sent about none is dropped without a word. */
export const createPagerduty = (): {
  readonly vendor: Vendor
  readonly incidents: PagerdutyIncident[]
} => {
  const incidents: PagerdutyIncident[] = []
  const vendor: Vendor = (request) => {
    if (request.method !== 'POST' || request.url.pathname !== '/v2/enqueue') return { status: 404 }
    if (Buffer.byteLength(request.body) > 512 * 1_024) return { status: 413 }
    const parsed = pagerdutyEvent.safeParse(jsonOf(request))
    if (!parsed.success || parsed.data.routing_key !== ROUTING_KEY)
      return {
        status: 400,
        body: {
          status: 'invalid event',
          message: 'Event object is invalid',
          errors: [parsed.error?.message ?? 'routing_key'],
        },
      }
    const event = parsed.data
    const key = event.dedup_key ?? String(incidents.length)
    const open = incidents.find((one) => one.key === key && one.open)
    if (event.event_action === 'trigger') {
      if (open) open.entries += 1
      else
        incidents.push({
          key,
          severity: event.payload.severity,
          open: true,
          acknowledged: false,
          entries: 1,
        })
    } else if (event.event_action === 'acknowledge' && open) open.acknowledged = true
    else if (event.event_action === 'resolve' && open) open.open = false
    return { status: 202, body: { status: 'success', message: 'Event processed', dedup_key: key } }
  }
  return { vendor, incidents }
}

export const PAGERDUTY_TOKEN = 'u+T0KENT0KENT0KENT0K'

/** PagerDuty's REST API: the alerts of an incident, by the pages of its classic pagination. */
export const createPagerdutyApi = (): {
  readonly vendor: Vendor
  /** Keys of alerts by the id of their incident. */
  readonly grouped: Map<string, readonly string[]>
} => {
  const grouped = new Map<string, readonly string[]>()
  const vendor: Vendor = ({ method, url, headers }) => {
    if (headers.authorization !== `Token token=${PAGERDUTY_TOKEN}`) return { status: 401 }
    if (!headers.accept?.includes('vnd.pagerduty+json;version=2')) return { status: 406 }
    const id = /^\/incidents\/([A-Z0-9]+)\/alerts$/.exec(url.pathname)?.[1]
    const keys = grouped.get(id ?? '')
    if (method !== 'GET' || !keys) return { status: 404, body: { error: { code: 2_100 } } }
    const [limit, offset] = ['limit', 'offset'].map((name) => Number(url.searchParams.get(name)))
    if (!limit || limit > 100) return { status: 400 }
    const end = (offset ?? 0) + limit
    const alerts = keys.slice(offset, end).map((alert_key) => ({ type: 'alert', alert_key }))
    return { status: 200, body: { alerts, limit, offset, more: keys.length > end } }
  }
  return { vendor, grouped }
}

const jiraAlert = z.object({
  message: z.string().min(1).max(130),
  alias: z.string().max(512),
  description: z.string().max(15_000),
  priority: z.enum(['P1', 'P2', 'P3', 'P4', 'P5']),
  tags: z.array(z.string().max(50)).max(20),
  details: z.record(z.string(), z.string()),
  responders: z
    .array(z.object({ type: z.enum(['team', 'user', 'escalation', 'schedule']), name: z.string() }))
    .optional(),
})

type JiraAlert = {
  readonly priority: string
  open: boolean
  acknowledged: boolean
  count: number
}

/** Alerts of Jira Service Management (Opsgenie's API): taken at once, worked on later. */
export const createJira = (): {
  readonly vendor: Vendor
  readonly alerts: ReadonlyMap<string, JiraAlert>
} => {
  const alerts = new Map<string, JiraAlert>()
  const vendor: Vendor = (request) => {
    if (request.headers.authorization !== `GenieKey ${GENIE_KEY}`)
      return { status: 401, body: { message: 'Could not authenticate' } }
    const body = jsonOf(request)
    if (!body) return { status: 422, body: { message: 'Request body is not processable' } }
    const close = /^\/v2\/alerts\/([^/]+)\/(close|acknowledge)$/.exec(request.url.pathname)
    if (close) {
      if (request.url.searchParams.get('identifierType') !== 'alias') return { status: 422 }
      const alert = alerts.get(decodeURIComponent(close[1] ?? ''))
      if (alert && close[2] === 'close') alert.open = false
      if (alert && close[2] === 'acknowledge') alert.acknowledged = true
      return { status: 202, body: { result: 'Request will be processed', requestId: '1' } }
    }
    if (request.url.pathname !== '/v2/alerts') return { status: 404 }
    const parsed = jiraAlert.safeParse(body)
    if (!parsed.success) return { status: 422, body: { message: parsed.error.message } }
    const known = alerts.get(parsed.data.alias)
    if (known?.open) known.count += 1
    else {
      const { alias, priority } = parsed.data
      alerts.set(alias, { priority, open: true, acknowledged: false, count: 1 })
    }
    return { status: 202, body: { result: 'Request will be processed', requestId: '1' } }
  }
  return { vendor, alerts }
}

/** Twilio's Messages resource: form fields in, 201 with a sid out, its own codes in refusals. */
export const twilio: Vendor = (request) => {
  const wanted = `Basic ${Buffer.from(`${TWILIO_SID}:${TWILIO_TOKEN}`).toString('base64')}`
  if (request.headers.authorization !== wanted)
    return { status: 401, body: { code: 20_003, message: 'Authenticate', status: 401 } }
  const isCall = request.url.pathname === `/2010-04-01/Accounts/${TWILIO_SID}/Calls.json`
  if (!isCall && request.url.pathname !== `/2010-04-01/Accounts/${TWILIO_SID}/Messages.json`)
    return { status: 404, body: { code: 20_404, status: 404 } }
  if (request.headers['content-type'] !== 'application/x-www-form-urlencoded')
    return { status: 400, body: { code: 21_604, status: 400 } }
  const form = new URLSearchParams(request.body)
  if (!/^\+\d{5,15}$/.test(form.get('To') ?? ''))
    return { status: 400, body: { code: 21_211, message: "Invalid 'To'", status: 400 } }
  if (!form.get('From') && !form.get('MessagingServiceSid'))
    return { status: 400, body: { code: 21_603, status: 400 } }
  if (isCall) {
    const twiml = form.get('Twiml') ?? ''
    const isWhole =
      twiml.length <= 4_000 &&
      /^<Response><Gather [^<>]*>.*<\/Gather><\/Response>$/s.test(twiml) &&
      !/&(?!amp;|lt;|gt;|quot;)/.test(twiml)
    return isWhole
      ? { status: 201, body: { sid: `CA${'1'.repeat(32)}`, status: 'queued' } }
      : { status: 400, body: { code: 12_100, status: 400 } }
  }
  const text = form.get('Body') ?? ''
  if (text === '' || text.length > 1_600)
    return { status: 400, body: { code: text ? 21_617 : 21_602, status: 400 } }
  return { status: 201, body: { sid: `SM${'1'.repeat(32)}`, status: 'queued' } }
}

const alertmanagerBody = z.array(
  z
    .object({
      labels: z.record(z.string().regex(/^[a-zA-Z_]\w*$/), z.string()),
      annotations: z.record(z.string().regex(/^[a-zA-Z_]\w*$/), z.string()),
      startsAt: z.iso.datetime(),
      endsAt: z.iso.datetime(),
    })
    .refine(({ startsAt, endsAt }) => Date.parse(endsAt) >= Date.parse(startsAt)),
)

/** Alertmanager's v2 API: an alert is its labels; it fires until its end. */
export const createAlertmanager = (): {
  readonly vendor: Vendor
  readonly firing: () => readonly Readonly<Record<string, string>>[]
} => {
  const alerts = new Map<
    string,
    { readonly labels: Record<string, string>; readonly endsAt: number }
  >()
  const vendor: Vendor = (request) => {
    if (request.url.pathname !== '/api/v2/alerts') return { status: 404 }
    if (request.headers['content-type'] !== 'application/json') return { status: 415 }
    let body: unknown
    try {
      body = JSON.parse(request.body)
    } catch {
      return { status: 400 }
    }
    const parsed = alertmanagerBody.safeParse(body)
    if (!parsed.success) return { status: 400, body: JSON.stringify('invalid label set') }
    for (const { labels, endsAt } of parsed.data)
      alerts.set(JSON.stringify(Object.entries(labels).sort()), {
        labels,
        endsAt: Date.parse(endsAt),
      })
    return { status: 200 }
  }
  const firing = () =>
    [...alerts.values()].filter(({ endsAt }) => endsAt > Date.now()).map(({ labels }) => labels)
  return { vendor, firing }
}
