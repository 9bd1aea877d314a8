import { z } from 'zod'
import { accept, badSignature, isSigned, keysOf } from '../../intake/light.ts'
import type { Acknowledgement, ReceiverKind } from '../../intake/types.ts'
import { note, readJson } from './pressed.ts'

const reference = z.object({
  id: z.string().max(100).nullish(),
  type: z.string().max(100).nullish(),
  summary: z.string().max(500).nullish(),
})

const bodySchema = z.object({
  event: z.object({
    id: z.string().min(1).max(200),
    event_type: z.string().min(1).max(100),
    occurred_at: z.string().max(60),
    agent: reference.nullish(),
    data: z.object({
      id: z.string().max(100).nullish(),
      incident_key: z.string().max(255).nullish(),
      content: z.string().max(5_000).nullish(),
      /** Of a note: what it was written on. */
      incident: reference.nullish(),
      html_url: z.string().max(500).nullish(),
    }),
  }),
})

const ACTS: Readonly<Record<string, Acknowledgement['act']>> = {
  'incident.acknowledged': 'acknowledge',
  'incident.unacknowledged': 'unacknowledge',
  'incident.reopened': 'unacknowledge',
  'incident.resolved': 'resolve',
  'incident.annotated': 'comment',
  'incident.escalated': 'escalate',
}

export type PagerdutySettings = {
  readonly secret: string
  readonly previous?: string | undefined
}

/** What our own events bring about there comes back in the name of the integration that took them. */
const isPerson = (agent: z.infer<typeof reference> | null | undefined): boolean =>
  Boolean(agent?.id) && !/integration|service/.test(agent?.type ?? '')

/** A repeat may come for two days. */
const REPEATS_MS = 3 * 86_400_000

/**
 * PagerDuty's webhooks, version 3: several signatures while a secret is being changed, any of which may be right. All
 * that is signed is answered by 202, also what is not wanted: three other answers in a row switch the subscription off.
 */
export const pagerdutyKind: ReceiverKind<PagerdutySettings> = {
  kind: 'pagerduty',
  read: async (request, settings) => {
    const given = (request.headers['x-pagerduty-signature'] ?? '')
      .split(',')
      .slice(0, 10)
      .map((one) => one.trim())
    if (!isSigned(given, keysOf(settings), [request.raw], { prefix: 'v1=' })) return badSignature()
    const parsed = bodySchema.safeParse(readJson(request.raw.toString('utf8')))
    if (!parsed.success) return accept([note('an event of another shape')])
    const { event } = parsed.data
    const once = {
      key: request.headers['x-webhook-id'] ?? event.id,
      forMs: REPEATS_MS,
      repeat: 'accept' as const,
    }
    const act = Object.hasOwn(ACTS, event.event_type) ? ACTS[event.event_type] : undefined
    const { agent, data } = event
    const vendorIncident = data.incident?.id ?? data.id
    // Without an agent it was PagerDuty itself, or we.
    if (!act || !(data.incident_key || vendorIncident) || !agent?.id || !isPerson(agent))
      return accept([note(`${event.event_type}, nothing to do`)], { once })
    const occurred = Date.parse(event.occurred_at)
    return accept(
      [
        {
          kind: 'acknowledgement',
          act,
          // None where PagerDuty has grouped alerts: then its own incident says which they are.
          about: { dedupKey: data.incident_key ?? '' },
          by: agent.id,
          atMs: Number.isNaN(occurred) ? request.atMs : occurred,
          text: data.content ?? undefined,
          detail: {
            name: agent.summary ?? agent.id,
            event: event.event_type,
            ...(vendorIncident ? { vendorIncident } : {}),
          },
        },
      ],
      { once },
    )
  },
}
