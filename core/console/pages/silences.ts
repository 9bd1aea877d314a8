import {
  approveSilence,
  createSilence,
  endSilence,
  isSilenceActive,
  listSilences,
  type Silence,
} from '../../alerts/index.ts'
import { TocsinError } from '../../base/index.ts'
import { age } from '../format.ts'
import { html, type Markup } from '../html.ts'
import { actForm, type ConsoleContext, csrfField, hasRole, principalOf } from '../principal.ts'
import { type PageOptions, show } from './kit.ts'
import { card, input, none, said, select, stamp, tag, until } from './parts.ts'

const FIELDS = ['bot', 'alertId', 'thing', 'owner', 'protocol', 'chain'] as const

const covers = ({ matchers }: Silence): string =>
  Object.entries(matchers)
    .map(([key, values]) => `${key} ${(values ?? []).join(' or ')}`)
    .join(', ')

/** The role by which somebody silences; viewers silence nothing. */
export const silencerOf = (
  c: ConsoleContext,
): { by: string; role: 'responder' | 'approver' | 'admin' } => {
  const { name, role } = principalOf(c)
  return { by: name, role: role === 'viewer' ? 'responder' : role }
}

/** What people are not told of now, until when, and why. */
export const showSilences = async (c: ConsoleContext, options: PageOptions): Promise<Response> => {
  const at = new Date()
  const { db } = options.store
  const mayAct = hasRole(principalOf(c), 'responder')
  const all = await listSilences(db, { all: true, limit: 100 })
  const live = all.filter((row) => row.endsAt > at && !row.endedAt)
  const past = all.filter((row) => !live.includes(row))
  const row = (each: Silence): Markup => {
    const isLive = live.includes(each)
    const isSev1 = each.matchers.severity?.includes('SEV1') ?? false
    return html`<div class="row" data-row><div class="line">${isLive ? (isSilenceActive(each, at) ? tag('stands', 'warn') : tag('to come')) : tag('over')}<span class="grow title">${said(covers(each), 300)}</span><span class="end">${isLive ? until(each.endsAt, at) : age(each.endedAt ?? each.endsAt, at)}</span></div><p>${said(each.reason, 500)}</p><div class="facts"><span>by ${said(each.createdBy, 60)}</span><span class="num">${stamp(each.startsAt)} to ${stamp(each.endsAt)}</span>${each.endedBy ? html`<span>ended by ${said(each.endedBy, 60)}</span>` : ''}${isSev1 ? html`<span>${each.approvedBy ? html`agreed by ${said(each.approvedBy, 60)}` : 'covers no SEV1 before a second person agrees'}</span>` : ''}<span><code>${said(each.id, 24)}</code></span></div>
${isLive && mayAct ? html`<div class="acts flush"><form method="post" action="/silences/${each.id}/end">${csrfField(c)}<button class="btn" type="submit">End it now</button></form>${isSev1 && !each.approvedBy ? html`<form method="post" action="/silences/${each.id}/approve">${csrfField(c)}<button class="btn yes" type="submit">Agree</button></form>` : ''}</div>` : ''}</div>`
  }
  const asked = c.req.query()
  return show(c, options, {
    title: 'Silences',
    page: 'silences',
    at,
    live: 'pulse',
    body: html`<div class="headline"><h2>Silences</h2><span class="sub">what people are not told of, for a while</span></div>
${c.req.query('said') ? html`<div class="notice" role="status">${said(c.req.query('said'), 300)}</div>` : ''}
<div class="half"><div class="col">${card(html`Now <span class="count">${live.length}</span>`, html`<div data-part="live">${live.length === 0 ? none('Nothing is silenced: everything is told.') : live.map(row)}</div>`)}${past.length > 0 ? card('Before', html`<div data-part="past">${past.slice(0, 50).map(row)}</div>`) : ''}</div>
${card(
  'Make one',
  mayAct
    ? html`<form class="form" method="post" action="/silences">${csrfField(c)}<p class="mute">All that is filled in must fit; a value may begin or end with <code>*</code>. A SEV1 is silenced only where it is named, for two hours at most, and by two people.</p>${FIELDS.map((name) => input(name, name === 'alertId' ? 'Alert (as the bot calls it)' : name[0]?.toUpperCase() + name.slice(1), asked[name]))}${select(
        'severity',
        'Severity',
        '',
        [
          ['', 'any but SEV1'],
          ['SEV1', 'SEV1'],
          ['SEV2', 'SEV2'],
          ['SEV3', 'SEV3'],
          ['SEV4', 'SEV4'],
        ],
      )}${select('minutes', 'For', '60', [
        ['15', '15 minutes'],
        ['60', '1 hour'],
        ['120', '2 hours'],
        ['480', '8 hours'],
        ['1440', '24 hours'],
      ])}${input('reason', 'Why', '', { required: true, wide: true })}<p><button class="btn main" type="submit">Silence</button></p></form>`
    : none(
        html`Silencing needs the role responder. <code>tocsin silences</code> does it at the machine.`,
      ),
)}</div>`,
  })
}

const back = (c: ConsoleContext, words: string): Response =>
  c.redirect(`/silences?said=${encodeURIComponent(words)}`, 303)

export const makeSilence = async (c: ConsoleContext, options: PageOptions): Promise<Response> => {
  const form = await actForm(c)
  const minutes = Number(form.get('minutes'))
  if (!Number.isInteger(minutes) || minutes < 1 || minutes > 1_440)
    throw new TocsinError('silence.bad_window', 'A silence lasts between a minute and a day.')
  const listed = (name: string): string[] =>
    (form.get(name) ?? '')
      .split(',')
      .map((each) => each.trim())
      .filter(Boolean)
  const matchers = Object.fromEntries(
    [...FIELDS, 'severity' as const].flatMap((name) => {
      const values = listed(name)
      return values.length > 0 ? [[name, values]] : []
    }),
  )
  const silence = await options.perform(
    c,
    { act: 'silence.create', detail: { matchers, minutes } },
    () =>
      createSilence(options.store.db, {
        ...silencerOf(c),
        matchers,
        reason: form.get('reason') ?? '',
        endsAt: new Date(Date.now() + minutes * 60_000),
      }),
  )
  return back(c, `Silence ${silence.id} stands.`)
}

export const changeSilence = async (
  c: ConsoleContext,
  options: PageOptions,
  what: 'end' | 'approve',
): Promise<Response> => {
  await actForm(c)
  const id = c.req.param('id') ?? ''
  const work = { ...silencerOf(c), id }
  await options.perform(c, { act: `silence.${what}`, subject: id }, () =>
    what === 'end' ? endSilence(options.store.db, work) : approveSilence(options.store.db, work),
  )
  return back(c, what === 'end' ? 'The silence is over.' : 'You agreed to it.')
}
