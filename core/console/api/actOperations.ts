import { z } from 'zod'
import { answerInPerson } from '../auth/answerInPerson.ts'
import { createToken, revokeToken } from '../auth/tokens.ts'
import { agreeInPerson, readHaltState, stopAll } from '../halt.ts'
import { type ConsoleContext, principalOf } from '../principal.ts'
import type { ApiOptions } from './apiOptions.ts'
import { type Operation, operation, viewOf } from './operation.ts'
import * as views from './views.ts'

const loadAlerts = () => import('../../alerts/index.ts')
const words = z.string().min(1).max(2_000)

const way = (c: ConsoleContext) => ({ by: principalOf(c).name, via: 'api' })

const shown = (result: {
  readonly accepted: boolean
  readonly text: string
  readonly incident: object
}): object => ({
  accepted: result.accepted,
  text: result.text,
  incident: viewOf(views.incidentView, result.incident),
})

const incidentActs = {
  method: 'post',
  role: 'responder',
  scope: 'acknowledge',
  tag: 'Incidents',
  answer: views.actView,
  problems: ['incident.unknown'],
} as const

const incidentOperations = ({ config, store, perform }: ApiOptions): readonly Operation[] => {
  const { db } = store
  return [
    operation({
      ...incidentActs,
      id: 'acknowledgeIncident',
      path: '/incidents/{id}/acknowledge',
      summary: 'Take an incident in hand',
      run: async ({ c, id }) => {
        const { acknowledgeIncident } = await loadAlerts()
        const act = { act: 'incident.acknowledge', subject: id }
        return shown(
          await perform(c, act, () => acknowledgeIncident(db, { incidentId: id, ...way(c) })),
        )
      },
    }),
    operation({
      ...incidentActs,
      id: 'mitigateIncident',
      path: '/incidents/{id}/mitigate',
      summary: 'Say that the harm is stopped',
      body: { note: words.optional() },
      run: async ({ c, id, body: { note } }) => {
        const { mitigateIncident } = await loadAlerts()
        const given = { incidentId: id, ...way(c), ...(note ? { note } : {}) }
        const act = { act: 'incident.mitigate', subject: id }
        return shown(await perform(c, act, () => mitigateIncident(db, given)))
      },
    }),
    operation({
      ...incidentActs,
      id: 'resolveIncident',
      path: '/incidents/{id}/resolve',
      summary: 'Close an incident with its alerts, and tell their channels',
      body: {
        note: words.optional(),
        evenIfHolding: z
          .boolean()
          .default(false)
          .describe('Also where a condition still holds: the next block may open it again'),
      },
      run: async ({ c, id, body: { note, evenIfHolding } }) => {
        const { resolveIncident } = await loadAlerts()
        const given = { incidentId: id, ...way(c), config: config(), evenIfHolding }
        const act = { act: 'incident.resolve', subject: id, detail: { evenIfHolding } }
        return shown(
          await perform(c, act, () => resolveIncident(db, { ...given, ...(note ? { note } : {}) })),
        )
      },
    }),
    operation({
      ...incidentActs,
      id: 'commentIncident',
      path: '/incidents/{id}/comments',
      summary: 'Write into the timeline of an incident',
      body: { text: words },
      run: async ({ c, id, body: { text } }) => {
        const { commentIncident } = await loadAlerts()
        const act = { act: 'incident.comment', subject: id }
        return shown(
          await perform(c, act, () => commentIncident(db, { incidentId: id, ...way(c), text })),
        )
      },
    }),
  ]
}

/** What the grouping at insert could not know. */
const groupOperations = ({ config, store, perform }: ApiOptions): readonly Operation[] => {
  const { db } = store
  return [
    operation({
      ...incidentActs,
      id: 'mergeIncidents',
      path: '/incidents/{id}/merge',
      summary: 'Make two incidents one: the other goes into this one, with its alerts',
      body: { other: z.string().min(1).max(60) },
      run: async ({ c, id, body: { other } }) => {
        const { mergeIncidents } = await loadAlerts()
        const given = { incidentId: id, otherId: other, ...way(c), config: config() }
        const act = { act: 'incident.merge', subject: id, detail: { other } }
        return shown(await perform(c, act, () => mergeIncidents(db, given)))
      },
    }),
    operation({
      ...incidentActs,
      id: 'splitIncident',
      path: '/incidents/{id}/split',
      summary: 'Take alerts out of an incident into one of their own',
      body: { alerts: z.array(z.string().min(1).max(60)).min(1).max(500) },
      problems: ['incident.unknown', 'alert.unknown'],
      run: async ({ c, id, body: { alerts } }) => {
        const { splitIncident } = await loadAlerts()
        const given = { incidentId: id, alertIds: alerts, ...way(c), config: config() }
        const act = { act: 'incident.split', subject: id, detail: { alerts } }
        return shown(await perform(c, act, () => splitIncident(db, given)))
      },
    }),
  ]
}

const silenceOperations = ({ store, perform }: ApiOptions): readonly Operation[] => {
  const { db } = store
  const common = {
    method: 'post',
    role: 'responder',
    scope: 'silence',
    tag: 'Silences',
    answer: views.silenceView,
  } as const
  const silencer = (c: ConsoleContext) => {
    const { name, role } = principalOf(c)
    return { by: name, role: role === 'viewer' ? ('responder' as const) : role }
  }
  const moment = z.iso.datetime({ offset: true }).transform((text) => new Date(text))
  const patterns = z.array(z.string().min(1).max(200)).min(1).max(50).optional()
  const matchers = z.strictObject({
    bot: patterns,
    alertId: patterns,
    thing: patterns,
    owner: patterns,
    protocol: patterns,
    chain: patterns,
    severity: z
      .array(z.enum(['SEV1', 'SEV2', 'SEV3', 'SEV4']))
      .min(1)
      .optional(),
  })
  return [
    operation({
      ...common,
      id: 'createSilence',
      path: '/silences',
      summary: 'Keep people from being told of what matches, for a while',
      body: { matchers, reason: words, startsAt: moment.optional(), endsAt: moment },
      problems: ['silence.too_wide', 'silence.bad_window', 'silence.too_long'],
      run: async ({ c, body: { startsAt, ...rest } }) => {
        const { createSilence } = await loadAlerts()
        const given = { ...rest, ...silencer(c), ...(startsAt ? { startsAt } : {}) }
        const detail = { until: rest.endsAt.toISOString(), reason: rest.reason.slice(0, 200) }
        return viewOf(
          views.silenceView,
          await perform(c, { act: 'silence.create', detail }, () => createSilence(db, given)),
        )
      },
    }),
    operation({
      ...common,
      id: 'approveSilence',
      path: '/silences/{id}/approve',
      summary: 'Agree, as the second person, to a silence that names SEV1',
      // A second person is somebody who signed in.
      scope: undefined,
      problems: ['silence.unknown', 'silence.same_person'],
      run: async ({ c, id }) => {
        const { approveSilence } = await loadAlerts()
        const act = { act: 'silence.approve', subject: id }
        return viewOf(
          views.silenceView,
          await perform(c, act, () => approveSilence(db, { id, ...silencer(c) })),
        )
      },
    }),
    operation({
      ...common,
      id: 'endSilence',
      path: '/silences/{id}/end',
      summary: 'End a silence before its time',
      problems: ['silence.unknown'],
      run: async ({ c, id }) => {
        const { endSilence } = await loadAlerts()
        const act = { act: 'silence.end', subject: id }
        return viewOf(
          views.silenceView,
          await perform(c, act, () => endSilence(db, { id, by: principalOf(c).name })),
        )
      },
    }),
  ]
}

const gravestOperations = (options: ApiOptions): readonly Operation[] => {
  const { config, store, auth, perform } = options
  const { db } = store
  return [
    operation({
      id: 'answerExecution',
      method: 'post',
      path: '/executions/{id}/answer',
      tag: 'Actions',
      summary: 'Approve or deny a proposal, as a person who proved just now who they are',
      role: 'approver',
      body: {
        decision: z.enum(['approve', 'deny']),
        bytesHash: z
          .string()
          .regex(/^[0-9a-f]{64}$/)
          .describe('Hash of what was shown: the answer counts for exactly that'),
      },
      answer: z.strictObject({
        execution: z.string(),
        decision: z.enum(['approve', 'deny']),
        by: z.string(),
      }),
      problems: [
        'execution.unknown',
        'execution.not_proposed',
        'approval.no_approver',
        'approval.stale_sign_in',
        'approval.new_user',
        'approval.other_bytes',
      ],
      run: async ({ c, id, body: { decision, bytesHash } }) => {
        const principal = principalOf(c)
        await perform(c, { act: `execution.${decision}`, subject: id }, async () =>
          answerInPerson({
            ...{ config: config(), db, secret: await auth.secret() },
            ...{ principal, execution: id, decision, bytesHash },
          }),
        )
        return { execution: id, decision, by: principal.approver ?? principal.name }
      },
    }),
    operation({
      id: 'getHalt',
      method: 'get',
      path: '/halt',
      tag: 'Actions',
      summary: 'Whether all automatic action is stopped, and who agreed that it goes on',
      role: 'viewer',
      scope: 'read',
      answer: views.haltView,
      run: async () => {
        const state = await readHaltState(options, auth.secret)
        return { ...state, isHalted: state.stop !== undefined, stop: state.stop ?? null }
      },
    }),
    operation({
      id: 'halt',
      method: 'post',
      path: '/halt',
      tag: 'Actions',
      summary: 'Stop all automatic action',
      role: 'approver',
      scope: 'halt',
      body: { reason: words },
      answer: z.strictObject({ halted: z.boolean(), file: z.boolean(), database: z.boolean() }),
      problems: ['halt.failed'],
      run: async ({ c, body: { reason } }) =>
        perform(c, { act: 'halt', detail: { reason: reason.slice(0, 200) } }, () =>
          stopAll(options, principalOf(c).name, reason),
        ),
    }),
    operation({
      id: 'resume',
      method: 'post',
      path: '/halt/resume',
      tag: 'Actions',
      summary:
        'Agree that automatic action goes on; the signer ends the stop when enough people do',
      role: 'approver',
      body: { id: z.string().min(1).max(100).describe('Of the stop that was shown') },
      answer: z.strictObject({ id: z.string(), by: z.string() }),
      problems: [
        'halt.none',
        'halt.machine_only',
        'approval.no_approver',
        'approval.stale_sign_in',
        'approval.new_user',
      ],
      run: async ({ c, body: { id } }) => {
        const principal = principalOf(c)
        const secret = await auth.secret()
        const by = await perform(c, { act: 'halt.resume', subject: id }, () =>
          agreeInPerson({ ...options, secret, principal, haltId: id, via: 'api' }),
        )
        return { id, by }
      },
    }),
  ]
}

const tokenOperations = ({ store, perform }: ApiOptions): readonly Operation[] => {
  const { db } = store
  return [
    operation({
      id: 'createToken',
      method: 'post',
      path: '/tokens',
      tag: 'Access',
      summary: 'Make a token; it is shown this once',
      role: 'admin',
      body: {
        name: z.string().min(1).max(100),
        scopes: z.array(z.enum(['read', 'acknowledge', 'silence', 'subscribe', 'halt'])).min(1),
        days: z.int().min(1).max(366).default(90),
        perMinute: z.int().min(1).max(60_000).default(120),
      },
      answer: z.strictObject({ token: z.string(), row: views.tokenView }),
      run: async ({ c, body }) => {
        const act = { act: 'token.create', subject: body.name, detail: { scopes: body.scopes } }
        const { token, row } = await perform(c, act, () =>
          createToken(db, { ...body, by: principalOf(c).name }),
        )
        return { token, row: viewOf(views.tokenView, row) }
      },
    }),
    operation({
      id: 'revokeToken',
      method: 'post',
      path: '/tokens/{id}/revoke',
      tag: 'Access',
      summary: 'End a token at once',
      role: 'admin',
      answer: views.tokenView,
      problems: ['token.unknown'],
      run: async ({ c, id }) =>
        viewOf(
          views.tokenView,
          await perform(c, { act: 'token.revoke', subject: id }, () => revokeToken(db, id)),
        ),
    }),
  ]
}

/** Everything that the API changes. */
export const actOperations = (options: ApiOptions): readonly Operation[] => [
  ...incidentOperations(options),
  ...groupOperations(options),
  ...silenceOperations(options),
  ...gravestOperations(options),
  ...tokenOperations(options),
]
