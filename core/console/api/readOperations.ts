import { eq, isNull } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import { cleanText, TocsinError } from '../../base/index.ts'
import { type Database, tables } from '../../store/index.ts'
import { listDeeds } from '../auth/audit.ts'
import { listTokens } from '../auth/tokens.ts'
import { listUsers } from '../auth/users.ts'
import { principalOf } from '../principal.ts'
import type { ApiOptions } from './apiOptions.ts'
import * as lists from './lists.ts'
import {
  decodeCursor,
  type Operation,
  operation,
  PAGE,
  pageOf,
  toPage,
  viewOf,
} from './operation.ts'
import * as views from './views.ts'

type Page = { readonly items: readonly object[]; readonly next: string | null }

const shown = (schema: z.ZodObject, page: Page): object => ({
  items: page.items.map((row) => viewOf(schema, row)),
  next: page.next,
})

const findOne = async (
  db: Database,
  table: PgTable & { readonly id: PgColumn },
  id: string,
  what: string,
): Promise<object> => {
  const [row] = await db.select().from(table).where(eq(table.id, id)).limit(1)
  if (row) return row
  throw new TocsinError(`${what}.unknown`, `There is no ${what} "${cleanText(id, 80)}".`)
}

const read = { method: 'get', role: 'viewer', scope: 'read' } as const

const onCallRead = ({ store, config }: ApiOptions): Operation =>
  operation({
    ...read,
    id: 'getOnCall',
    path: '/on-call',
    tag: 'On call',
    summary: 'Who is on call now, by team',
    answer: z.strictObject({ at: z.iso.datetime(), teams: z.array(views.onCallView) }),
    run: async () => {
      const at = new Date()
      const { onCall } = config()
      if (!onCall) return { at, teams: [] }
      const { whoIsOnCall } = await import('../../oncall/index.ts')
      const overrides = await store.db
        .select()
        .from(tables.oncallOverride)
        .where(isNull(tables.oncallOverride.removedAt))
      const teams = Object.keys(onCall.teams).map((team) => {
        const { primary, secondary, lead } = whoIsOnCall(onCall, overrides, team, at)
        const view = (duty: typeof primary) =>
          duty
            ? {
                person: duty.person,
                since: duty.since,
                until: duty.until,
                isOverride: duty.override !== undefined,
              }
            : null
        return { team, primary: view(primary), secondary: view(secondary), lead }
      })
      return { at, teams }
    },
  })

const stateReads = (options: ApiOptions): readonly Operation[] => {
  const { db } = options.store
  return [
    operation({
      ...read,
      id: 'getMe',
      path: '/me',
      tag: 'Access',
      summary: 'Who you are, and what forms of yours carry',
      answer: views.principalView,
      run: async ({ c }) => {
        const { name, role, via, scopes, approver, verifiedAt } = principalOf(c)
        const rest = { approver: approver ?? null, verifiedAt: verifiedAt ?? null }
        return { name, role, via, scopes, ...rest, csrf: c.get('csrf') }
      },
    }),
    operation({
      ...read,
      id: 'getStatus',
      path: '/status',
      tag: 'State',
      summary: 'Whether all is well, and what is not',
      answer: views.statusView,
      run: async () => {
        const { at, verdict, reasons, counts, processes, chains } = (await options.hub.snapshot())
          .overview
        const [halt] = await db
          .select({ id: tables.killSwitch.id })
          .from(tables.killSwitch)
          .where(isNull(tables.killSwitch.liftedAt))
          .limit(1)
        return {
          ...{ at, verdict, reasons, openAlerts: counts },
          processes: processes.map(({ name, state, reason, heartbeatAt }) => ({
            ...{ name, state, reason, heartbeatAt },
          })),
          chains: chains.map(({ name, chainId, state, processed, lag }) => ({
            ...{ name, chainId, state, block: processed, lag },
          })),
          halted: halt !== undefined,
        }
      },
    }),
    operation({
      ...read,
      id: 'listBots',
      path: '/bots',
      tag: 'State',
      summary: 'How each bot does, per chain',
      answer: pageOf(views.botView),
      run: async () => shown(views.botView, { items: await lists.listBots(db), next: null }),
    }),
    operation({
      ...read,
      id: 'getWatchlist',
      path: '/watchlist',
      tag: 'State',
      summary: 'What is watched, as the console understands the watchlist',
      answer: z.strictObject({
        name: z.string(),
        hash: z.string(),
        things: z.array(views.thingView),
      }),
      run: async () => {
        const { name, hash, watch } = options.config()
        return { name, hash, things: watch.map((thing) => viewOf(views.thingView, thing)) }
      },
    }),
    onCallRead(options),
  ]
}

const incidentReads = ({ store }: ApiOptions): readonly Operation[] => {
  const { db } = store
  return [
    operation({
      ...read,
      id: 'listIncidents',
      path: '/incidents',
      tag: 'Incidents',
      summary: 'Incidents, newest first',
      query: lists.incidentFilter,
      answer: pageOf(views.incidentView),
      run: async ({ query }) => shown(views.incidentView, await lists.listIncidents(db, query)),
    }),
    operation({
      ...read,
      id: 'getIncident',
      path: '/incidents/{id}',
      tag: 'Incidents',
      summary: 'One incident',
      answer: views.incidentView,
      problems: ['incident.unknown'],
      run: async ({ id }) =>
        viewOf(views.incidentView, await findOne(db, tables.incident, id, 'incident')),
    }),
    operation({
      ...read,
      id: 'getTimeline',
      path: '/incidents/{id}/timeline',
      tag: 'Incidents',
      summary: 'What happened to an incident, in its order',
      query: PAGE,
      answer: pageOf(views.incidentEventView),
      problems: ['incident.unknown'],
      run: async ({ id, query }) => {
        await findOne(db, tables.incident, id, 'incident')
        return shown(views.incidentEventView, await lists.listTimeline(db, id, query))
      },
    }),
    operation({
      ...read,
      id: 'listAlerts',
      path: '/alerts',
      tag: 'Alerts',
      summary: 'Alerts, newest first',
      query: lists.alertFilter,
      answer: pageOf(views.alertView),
      run: async ({ query }) => shown(views.alertView, await lists.listAlerts(db, query)),
    }),
    operation({
      ...read,
      id: 'getAlert',
      path: '/alerts/{id}',
      tag: 'Alerts',
      summary: 'One alert',
      answer: views.alertView,
      problems: ['alert.unknown'],
      run: async ({ id }) => viewOf(views.alertView, await findOne(db, tables.alert, id, 'alert')),
    }),
    operation({
      ...read,
      id: 'listSilences',
      path: '/silences',
      tag: 'Silences',
      summary: 'Silences that stand or are to come',
      query: {
        all: z
          .enum(['true', 'false'])
          .default('false')
          .describe('Those of the past too, newest first'),
      },
      answer: pageOf(views.silenceView),
      run: async ({ query }) => {
        const { listSilences } = await import('../../alerts/index.ts')
        const items = await listSilences(db, { all: query.all === 'true' })
        return shown(views.silenceView, { items, next: null })
      },
    }),
  ]
}

const findingReads = (options: ApiOptions): readonly Operation[] => {
  const { db } = options.store
  return [
    operation({
      ...read,
      id: 'listFindings',
      path: '/findings',
      tag: 'Findings',
      summary: 'What bots found, newest first',
      query: lists.findingFilter,
      answer: pageOf(views.findingView),
      problems: ['query.unknown_chain'],
      run: async ({ query }) =>
        shown(views.findingView, await lists.listFindings(db, options.config(), query)),
    }),
    operation({
      ...read,
      id: 'getFinding',
      path: '/findings/{id}',
      tag: 'Findings',
      summary: 'One finding',
      answer: views.findingView,
      problems: ['finding.unknown'],
      run: async ({ id }) =>
        viewOf(views.findingView, await findOne(db, tables.finding, id, 'finding')),
    }),
    operation({
      ...read,
      id: 'listExecutions',
      path: '/executions',
      tag: 'Actions',
      summary: 'Runs of approved actions, newest first',
      query: lists.executionFilter,
      answer: pageOf(views.executionView),
      run: async ({ query }) => shown(views.executionView, await lists.listExecutions(db, query)),
    }),
    operation({
      ...read,
      id: 'getExecution',
      path: '/executions/{id}',
      tag: 'Actions',
      summary: 'One run of an approved action',
      answer: views.executionView,
      problems: ['execution.unknown'],
      run: async ({ id }) =>
        viewOf(views.executionView, await findOne(db, tables.execution, id, 'execution')),
    }),
    operation({
      ...read,
      id: 'listDecisions',
      path: '/audit',
      tag: 'Audit',
      summary: "The signer's decision log, newest first",
      query: lists.decisionFilter,
      answer: pageOf(views.decisionView),
      run: async ({ query }) => shown(views.decisionView, await lists.listDecisions(db, query)),
    }),
  ]
}

const accessReads = (options: ApiOptions): readonly Operation[] => {
  const { db } = options.store
  return [
    operation({
      method: 'get',
      role: 'admin',
      id: 'listDeeds',
      path: '/audit/console',
      tag: 'Audit',
      summary: 'What people and programs did by the console, newest first',
      query: {
        ...PAGE,
        who: z.string().min(1).max(200).optional(),
        act: z.string().min(1).max(100).optional(),
      },
      answer: pageOf(views.deedView),
      run: async ({ query: { limit, cursor, who, act } }) => {
        const before = decodeCursor(z.tuple([z.number()]), cursor)?.[0]
        const rows = await listDeeds(db, { limit: limit + 1, who, act, before })
        return shown(
          views.deedView,
          toPage(rows, limit, ({ seq }) => [seq]),
        )
      },
    }),
    operation({
      method: 'get',
      role: 'admin',
      id: 'listUsers',
      path: '/users',
      tag: 'Access',
      summary: 'Who may sign in with a password; they are made at the machine, by `tocsin users`',
      answer: pageOf(views.userView),
      run: async () =>
        shown(views.userView, { items: await listUsers(await options.auth.book()), next: null }),
    }),
    operation({
      method: 'get',
      role: 'admin',
      id: 'listTokens',
      path: '/tokens',
      tag: 'Access',
      summary: 'Tokens, newest first',
      answer: pageOf(views.tokenView),
      run: async () => shown(views.tokenView, { items: await listTokens(db), next: null }),
    }),
  ]
}

/** Everything that is read by the API. */
export const readOperations = (options: ApiOptions): readonly Operation[] => [
  ...stateReads(options),
  ...incidentReads(options),
  ...findingReads(options),
  ...accessReads(options),
]
