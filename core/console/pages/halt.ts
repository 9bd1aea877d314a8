import { age } from '../format.ts'
import { agreeInPerson, type HaltState, readHaltState, stopAll } from '../halt.ts'
import { html, type Markup } from '../html.ts'
import {
  actForm,
  type ConsoleContext,
  csrfField,
  hasRole,
  isFresh,
  principalOf,
} from '../principal.ts'
import type { PageOptions } from './kit.ts'
import { said } from './parts.ts'

const resumeForm = (c: ConsoleContext, { stop, agreed, canResume }: HaltState): Markup | string => {
  const principal = principalOf(c)
  if (!stop?.id || !canResume)
    return html`<p class="none">Only <code>tocsin resume</code> at the machine ends it.</p>`
  if (principal.via !== 'session' || !hasRole(principal, 'approver') || !principal.approver)
    return html`<p class="none">Approvers end it here, or <code>tocsin resume</code> at the machine.</p>`
  if (agreed.includes(principal.approver))
    return html`<p class="none">You agreed; the signer waits for the others, for a quarter of an hour.</p>`
  return html`<div class="acts"><form method="post" action="/halt/resume">${csrfField(c)}<input type="hidden" name="id" value="${stop.id}"><button class="btn yes" type="submit">Agree to go on</button></form><span class="mute small">as ${said(principal.approver, 60)}; the signer counts, and ends the stop</span></div>`
}

/** That all is stopped, by whom and why, and what it takes to go on; nothing while nothing is stopped. */
export const renderHalt = async (
  c: ConsoleContext,
  options: PageOptions,
  now: Date,
): Promise<Markup | string> => {
  const state = await readHaltState(options, options.secret)
  const { stop, agreed, needed } = state
  if (!stop) return ''
  const why =
    stop.id === null
      ? html`<p class="none">A file at the machine says so.</p>`
      : html`<p class="none"><strong>${said(stop.who, 100)}</strong>: ${said(stop.reason, 400)}</p><p class="none">To go on, ${needed === 1 ? '1 approver has' : `${needed} approvers have`} to agree; ${agreed.length === 0 ? 'nobody did so far' : html`so far ${said(agreed.join(', '), 200)}`}.</p>`
  return html`<section class="card halted" id="halted" role="alert"><h2><span class="tag bad">stopped</span> The signer sends nothing<span class="end">${stop.at ? age(stop.at, now) : ''}</span></h2>${why}${resumeForm(c, state)}</section>`
}

/** The form that stops everything, behind a fold so that nobody touches it by chance. */
export const renderStop = (c: ConsoleContext): Markup | string =>
  hasRole(principalOf(c), 'approver') && c.get('csrf') !== ''
    ? html`<section class="card"><details id="stop"><summary>Stop all automatic action</summary><form class="filters" method="post" action="/halt">${csrfField(c)}<label class="field wide">Why, for whoever is paged<input name="reason" required maxlength="500" autocomplete="off"></label><button class="btn no" type="submit">Stop everything</button></form></details></section>`
    : ''

const back = (c: ConsoleContext, words: string): Response =>
  c.redirect(`/actions?said=${encodeURIComponent(words)}`, 303)

/** Stops everything. Needs no second proof: whoever may stop must not be held up. */
export const stopBy = async (c: ConsoleContext, options: PageOptions): Promise<Response> => {
  const form = await actForm(c)
  const reason = (form.get('reason') ?? '').slice(0, 500)
  const act = { act: 'halt', detail: { reason: reason.slice(0, 200) } }
  await options.perform(c, act, () => stopAll(options, principalOf(c).name, reason))
  return back(c, 'All automatic action is stopped.')
}

/** Agrees that it goes on, after a new proof of who one is. */
export const resumeBy = async (c: ConsoleContext, options: PageOptions): Promise<Response> => {
  const form = await actForm(c)
  const principal = principalOf(c)
  if (principal.via === 'session' && !isFresh(principal))
    return c.redirect('/sign-in/again?to=/actions', 303)
  const haltId = (form.get('id') ?? '').slice(0, 100)
  const secret = await options.secret()
  const name = await options.perform(c, { act: 'halt.resume', subject: haltId }, () =>
    agreeInPerson({ ...options, secret, principal, haltId, via: 'console' }),
  )
  return back(c, `Agreed as ${name}: the signer ends the stop when enough people have.`)
}
