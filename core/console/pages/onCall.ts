import { TocsinError } from '../../base/index.ts'
import type { Config } from '../../config/types.ts'
import { age } from '../format.ts'
import { html, type Markup } from '../html.ts'
import { actForm, type ConsoleContext, csrfField, hasRole, principalOf } from '../principal.ts'
import { type PageOptions, show } from './kit.ts'
import { card, input, none, said, select, stamp, tag, until } from './parts.ts'

const DAY_MS = 86_400_000
const DAYS = 28

/** The room with the calendars in it is loaded when somebody looks. */
const loadOnCall = () => import('../../oncall/index.ts')

type Room = Awaited<ReturnType<typeof loadOnCall>>
type Settings = NonNullable<Config['onCall']>
type Overrides = Awaited<ReturnType<Room['readOverrides']>>

const person = (name: string | undefined): Markup =>
  name === undefined
    ? html`<span class="mute">nobody</span>`
    : html`<strong>${said(name, 80)}</strong>`

/** Who a team pages now, in a line. */
const nowRow = (
  room: Room,
  config: Settings,
  overrides: Overrides,
  team: string,
  at: Date,
): Markup => {
  const { primary, secondary, lead } = room.whoIsOnCall(config, overrides, team, at)
  return html`<div class="row" data-row><div class="line"><span class="grow title">${said(team, 60)}</span>${primary?.override ? tag('override', 'warn') : ''}${primary === undefined ? tag('nobody', 'bad') : ''}</div>
<div class="facts"><span>first ${person(primary?.person)}${primary ? html`, ${until(primary.until, at)}` : ''}</span><span>second ${person(secondary?.person)}</span>${lead.length > 0 ? html`<span>lead ${said(lead.join(', '), 120)}</span>` : ''}</div></div>`
}

/** For the overview; empty where the watchlist names nobody. */
export const renderOnCallNow = async (options: PageOptions, at: Date): Promise<Markup | string> => {
  const { onCall } = options.config()
  if (!onCall) return ''
  const room = await loadOnCall()
  const overrides = await room.readOverrides(options.store.db, at)
  return card(
    'On call',
    html`${Object.keys(onCall.teams).map((team) => nowRow(room, onCall, overrides, team, at))}`,
    { end: html`<a href="/on-call">calendar</a>` },
  )
}

const calendar = (
  room: Room,
  config: Settings,
  overrides: Overrides,
  team: string,
  at: Date,
): Markup => {
  const today = new Date(Math.floor(at.getTime() / DAY_MS) * DAY_MS)
  const monday = new Date(today.getTime() - ((today.getUTCDay() + 6) % 7) * DAY_MS)
  const entries = room.listSchedule(
    config,
    overrides,
    team,
    monday,
    new Date(monday.getTime() + DAYS * DAY_MS),
  )
  const cells = Array.from({ length: DAYS }, (_, index) => {
    const from = new Date(monday.getTime() + index * DAY_MS)
    const own = entries.filter(
      (each) => each.from < new Date(from.getTime() + DAY_MS) && each.to > from,
    )
    const names = [...new Set(own.map(({ primary }) => primary ?? 'nobody'))]
    const isToday = from.getTime() === today.getTime()
    return html`<div class="${isToday ? 'today' : ''}${from < today ? ' past' : ''}"><span class="day">${from.toISOString().slice(5, 10)}${isToday ? ' today' : ''}</span>${names.map((name) => html`<span class="duty">${said(name, 40)}</span>`)}${own.some(({ isOverride }) => isOverride) ? html`<span class="tag warn">override</span>` : ''}</div>`
  })
  return html`<div class="week">${['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].map((name) => html`<div class="hd">${name}</div>`)}${cells}</div>`
}

/** Who is on call now and for four weeks, and who stands in for whom. */
export const showOnCall = async (c: ConsoleContext, options: PageOptions): Promise<Response> => {
  const at = new Date()
  const { onCall } = options.config()
  const frame = { title: 'On call', page: 'oncall' as const, at, live: 'pulse' as const }
  const head = html`<div class="headline"><h2>On call</h2><span class="sub">who is paged, first to last</span></div>`
  if (!onCall)
    return show(c, options, {
      ...frame,
      body: html`${head}<section class="card">${none(html`The watchlist names nobody: messages go to channels alone. Name people, rotations and teams under <code>onCall</code>.`)}</section>`,
    })
  const room = await loadOnCall()
  const overrides = await room.readOverrides(options.store.db, new Date(at.getTime() - 7 * DAY_MS))
  const teams = Object.keys(onCall.teams)
  const people = Object.keys(onCall.people)
  const mayAct = hasRole(principalOf(c), 'responder')
  const current = overrides.filter(({ endsAt }) => endsAt > at)
  return show(c, options, {
    ...frame,
    body: html`${head}
${c.req.query('said') ? html`<div class="notice" role="status">${said(c.req.query('said'), 300)}</div>` : ''}
<div class="half"><div class="col">${card('Now', html`<div data-part="now">${teams.map((team) => nowRow(room, onCall, overrides, team, at))}</div>`)}
${card(html`Overrides <span class="count">${current.length}</span>`, html`<div data-part="overrides">${current.length === 0 ? none('The rotations hold.') : current.map((row) => html`<div class="row"><div class="line"><span class="grow"><strong>${said(row.person, 80)}</strong> stands in, ${row.level} of ${said(row.team, 60)}</span><span class="end">${row.startsAt > at ? 'to come' : until(row.endsAt, at)}</span></div><div class="facts"><span class="num">${stamp(row.startsAt)} to ${stamp(row.endsAt)}</span><span>by ${said(row.createdBy, 60)} ${age(row.createdAt, at)}</span>${row.reason ? html`<span>${said(row.reason, 200)}</span>` : ''}</div>${mayAct ? html`<form class="acts flush" method="post" action="/on-call/overrides/${row.id}/remove">${csrfField(c)}<button class="btn" type="submit">Take it back</button></form>` : ''}</div>`)}</div>`)}</div>
${card(
  'Let somebody stand in',
  mayAct
    ? html`<form class="form" method="post" action="/on-call/overrides">${csrfField(c)}${select(
        'team',
        'Team',
        teams[0],
        teams.map((team) => [team, team] as const),
      )}${select(
        'person',
        'Who',
        people[0],
        people.map((each) => [each, each] as const),
      )}${select('level', 'Place', 'primary', [
        ['primary', 'first'],
        ['secondary', 'second'],
      ])}${input('from', 'From (UTC)', at.toISOString().slice(0, 16), { type: 'datetime-local', required: true })}${input('to', 'To (UTC)', new Date(at.getTime() + DAY_MS).toISOString().slice(0, 16), { type: 'datetime-local', required: true })}${input('reason', 'Why', '')}<p><button class="btn main" type="submit">Stand in</button></p></form>`
    : none(
        html`That needs the role responder; at the machine: <code>tocsin oncall override</code>.`,
      ),
)}</div>
${teams.map((team) => card(html`${said(team, 60)} <span class="count">four weeks, first place, days in UTC</span>`, calendar(room, onCall, overrides, team, at)))}`,
  })
}

const momentOf = (value: string | null): Date => {
  const at = new Date(`${(value ?? '').slice(0, 16)}Z`)
  if (Number.isNaN(at.getTime())) throw new TocsinError('oncall.bad_window', 'That is no moment.')
  return at
}

export const makeOverride = async (c: ConsoleContext, options: PageOptions): Promise<Response> => {
  const form = await actForm(c)
  const { onCall } = options.config()
  if (!onCall) throw new TocsinError('oncall.none', 'The watchlist names nobody.')
  const { createOverride } = await loadOnCall()
  const wish = {
    team: form.get('team') ?? '',
    person: form.get('person') ?? '',
    level: form.get('level') === 'secondary' ? ('secondary' as const) : ('primary' as const),
    startsAt: momentOf(form.get('from')),
    endsAt: momentOf(form.get('to')),
    by: principalOf(c).name,
    reason: form.get('reason') ?? '',
  }
  await options.perform(
    c,
    {
      act: 'oncall.override',
      subject: wish.team,
      detail: { person: wish.person, level: wish.level },
    },
    () => createOverride(options.store.db, onCall, wish),
  )
  return c.redirect(`/on-call?said=${encodeURIComponent(`${wish.person} stands in.`)}`, 303)
}

export const endOverride = async (c: ConsoleContext, options: PageOptions): Promise<Response> => {
  await actForm(c)
  const id = c.req.param('id') ?? ''
  const { removeOverride } = await loadOnCall()
  await options.perform(c, { act: 'oncall.override.remove', subject: id }, () =>
    removeOverride(options.store.db, id, principalOf(c).name),
  )
  return c.redirect('/on-call?said=The+rotation+holds+again.', 303)
}
