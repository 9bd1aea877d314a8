import type { Hono } from 'hono'
import {
  acknowledgeIncident,
  commentIncident,
  mitigateIncident,
  resolveIncident,
} from '../../alerts/index.ts'
import { answerInPerson } from '../auth/answerInPerson.ts'
import type { Hub } from '../createHub.ts'
import { html } from '../html.ts'
import {
  actForm,
  type ConsoleContext,
  type ConsoleEnv,
  isFresh,
  needs,
  principalOf,
} from '../principal.ts'
import { finishFactor, removeFactor, renewCodes, showAccount, startFactor } from './account.ts'
import { showAction, showActions, showAudit } from './actions.ts'
import { showAlert, showAlerts, showIncidents } from './alerts.ts'
import { showBots } from './bots.ts'
import { renderVigil, showDeliveries } from './deliveries.ts'
import { showFinding } from './finding.ts'
import { showFindings } from './findings.ts'
import { renderHalt, resumeBy, stopBy } from './halt.ts'
import { exportPostmortem, showIncident } from './incident.ts'
import type { PageOptions } from './kit.ts'
import { endOverride, makeOverride, renderOnCallNow, showOnCall } from './onCall.ts'
import { showOverview } from './overview.ts'
import { showQuery } from './query.ts'
import { changeSilence, makeSilence, showSilences } from './silences.ts'
import { changeUserBy, endToken, invite, makeToken, USER_ACTS } from './userActs.ts'
import { showUsers } from './users.ts'
import { showWatchlist } from './watchlist.ts'

type Act = 'acknowledge' | 'mitigate' | 'resolve' | 'comment'

/** What a person does to an incident; the words of what came of it stand on the page that follows. */
const actOnIncident = async (
  c: ConsoleContext,
  options: PageOptions,
  act: Act,
): Promise<Response> => {
  const form = await actForm(c)
  const { db } = options.store
  const incidentId = c.req.param('id') ?? ''
  const who = { incidentId, by: principalOf(c).name, via: 'console' }
  const work = {
    acknowledge: () => acknowledgeIncident(db, who),
    mitigate: () => mitigateIncident(db, who),
    comment: () => commentIncident(db, { ...who, text: form.get('text') ?? '' }),
    resolve: () =>
      resolveIncident(db, {
        ...who,
        config: options.config(),
        evenIfHolding: form.get('evenIfHolding') === 'yes',
      }),
  }[act]
  const { text } = await options.perform(c, { act: `incident.${act}`, subject: incidentId }, work)
  const place = `/incidents/${encodeURIComponent(incidentId)}`
  return c.redirect(`${place}?said=${encodeURIComponent(text)}`, 303)
}

/** The answer of somebody who is signed in, after they proved again who they are. */
const answer = async (
  c: ConsoleContext,
  options: PageOptions,
  decision: 'approve' | 'deny',
): Promise<Response> => {
  const form = await actForm(c)
  const principal = principalOf(c)
  const execution = c.req.param('id') ?? ''
  const place = `/actions/${encodeURIComponent(execution)}`
  if (principal.via === 'session' && !isFresh(principal))
    return c.redirect(`/sign-in/again?to=${encodeURIComponent(place)}`, 303)
  const config = options.config()
  const secret = await options.secret()
  await options.perform(c, { act: `action.${decision}`, subject: execution }, () =>
    answerInPerson({
      config,
      db: options.store.db,
      secret,
      principal,
      execution,
      decision,
      bytesHash: form.get('bytes') ?? '',
    }),
  )
  const words =
    decision === 'deny'
      ? 'Denied: the signer ends it.'
      : 'Approved: the signer verifies it, checks everything again, and acts when enough people have approved.'
  return c.redirect(`${place}?said=${encodeURIComponent(words)}`, 303)
}

/** Users and tokens, for admins; oneself, for everybody. */
const routeUsers = (app: Hono<ConsoleEnv>, options: PageOptions): void => {
  const admin = needs('admin')
  app.get('/users', admin, (c) => showUsers(c, options))
  app.post('/users/invite', admin, (c) => invite(c, options))
  for (const what of USER_ACTS)
    app.post(`/users/:name/${what}`, admin, (c) => changeUserBy(c, options, what))
  app.post('/tokens', admin, (c) => makeToken(c, options))
  app.post('/tokens/:id/revoke', admin, (c) => endToken(c, options))
  const self = needs('viewer')
  app.get('/account', self, (c) => showAccount(c, options))
  app.post('/account/factor', self, (c) => startFactor(c, options))
  app.post('/account/factor/confirm', self, (c) => finishFactor(c, options))
  app.post('/account/factor/codes', self, (c) => renewCodes(c, options))
  app.post('/account/factor/remove', self, (c) => removeFactor(c, options))
}

/** The pages for people. Each route says who may use it. */
export const routePages = (
  app: Hono<ConsoleEnv>,
  given: Omit<PageOptions, 'secret'> & { readonly hub: Hub },
): void => {
  const options = { ...given, secret: given.auth.secret }
  const see = needs('viewer')
  app.get('/', see, (c) =>
    showOverview(c, options, async ({ at }) => {
      const parts = await Promise.all([
        renderHalt(c, options, at),
        renderOnCallNow(options, at),
        renderVigil(options, at),
      ])
      return html`${parts}`
    }),
  )
  app.get('/incidents', see, (c) => showIncidents(c, options))
  app.get('/incidents/:id', see, (c) => showIncident(c, options))
  app.get('/incidents/:id/postmortem.md', see, (c) => exportPostmortem(c, options, 'md'))
  app.get('/incidents/:id/postmortem.json', see, (c) => exportPostmortem(c, options, 'json'))
  for (const act of ['acknowledge', 'mitigate', 'resolve', 'comment'] as const)
    app.post(`/incidents/:id/${act}`, needs('responder'), (c) => actOnIncident(c, options, act))
  app.get('/alerts', see, (c) => showAlerts(c, options))
  app.get('/alerts/:id', see, (c) => showAlert(c, options))
  app.get('/findings', see, (c) => showFindings(c, options))
  app.get('/findings/:id', see, (c) => showFinding(c, options))
  app.get('/actions', see, (c) => showActions(c, options))
  app.get('/actions/:id', see, (c) => showAction(c, options))
  for (const decision of ['approve', 'deny'] as const)
    app.post(`/actions/:id/${decision}`, needs('approver'), (c) => answer(c, options, decision))
  app.post('/halt', needs('approver'), (c) => stopBy(c, options))
  app.post('/halt/resume', needs('approver'), (c) => resumeBy(c, options))
  app.get('/audit', see, (c) => showAudit(c, options))
  app.get('/bots', see, (c) => showBots(c, options))
  app.get('/watchlist', see, (c) => showWatchlist(c, options))
  app.get('/silences', see, (c) => showSilences(c, options))
  app.post('/silences', needs('responder'), (c) => makeSilence(c, options))
  for (const what of ['end', 'approve'] as const)
    app.post(`/silences/:id/${what}`, needs('responder'), (c) => changeSilence(c, options, what))
  app.get('/on-call', see, (c) => showOnCall(c, options))
  app.post('/on-call/overrides', needs('responder'), (c) => makeOverride(c, options))
  app.post('/on-call/overrides/:id/remove', needs('responder'), (c) => endOverride(c, options))
  app.get('/deliveries', see, (c) => showDeliveries(c, options))
  app.get('/query', see, (c) => showQuery(c, options))
  routeUsers(app, options)
}
