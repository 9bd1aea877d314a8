import { listSessions } from '../auth/sessions.ts'
import { type ApiToken, listTokens } from '../auth/tokens.ts'
import { listUsers, type User } from '../auth/users.ts'
import { age, count } from '../format.ts'
import { html, type Markup } from '../html.ts'
import {
  type ConsoleContext,
  csrfField,
  isFresh,
  principalOf,
  ROLES,
  SCOPES,
} from '../principal.ts'
import { type PageOptions, show } from './kit.ts'
import { card, copy, input, none, said, select, tag } from './parts.ts'

const MAY: Readonly<Record<(typeof ROLES)[number], string>> = {
  viewer: 'sees everything, changes nothing',
  responder: 'also acknowledges, comments, resolves and silences',
  approver: 'also answers actions that wait for people, stops everything, and agrees to go on',
  admin: 'also manages users and tokens',
}

/** Something that is shown once and can be copied: a link, a token. */
type Shown = { readonly title: string; readonly value: string }

const roles = ROLES.map((role) => [role, role] as const)

const form = (
  c: ConsoleContext,
  action: string,
  fields: Markup | string,
  words: string,
  look = '',
) =>
  html`<form method="post" action="${action}">${csrfField(c)}${fields}<button class="btn ${look}" type="submit">${words}</button></form>`

const renderUser = (
  c: ConsoleContext,
  row: User,
  { at, sessions, canAct }: { at: Date; sessions: number; canAct: boolean },
): Markup => {
  const to = (act: string): string => `/users/${encodeURIComponent(row.name)}/${act}`
  const acts = html`<details id="user-${row.name}"><summary>Change ${said(row.name, 60)}</summary>
<div class="acts">${form(c, to('role'), select('role', 'Role', row.role, roles), 'Give')}</div>
<div class="acts">${sessions > 0 ? form(c, to('sessions'), '', 'Sign out') : ''}${row.hasFactor ? form(c, to('factor'), '', 'Reset second factor') : ''}${row.approver === null && !row.disabledAt ? form(c, to('password'), '', 'Link to a new password') : ''}${row.disabledAt ? form(c, to('enable'), '', 'Enable') : form(c, to('disable'), '', 'Disable', 'no')}</div></details>`
  return html`<div class="row" data-row><div class="line"><span class="grow title">${said(row.name, 100)}</span>${tag(row.role, row.role === 'viewer' ? '' : 'warn')}${row.disabledAt ? tag('disabled', 'bad') : ''}${row.isProven ? '' : tag('forged', 'bad')}${row.hasFactor ? tag('second factor', 'ok') : ''}</div><div class="facts">${row.approver ? html`<span>answers as ${said(row.approver, 60)}</span>` : ''}<span>${sessions === 0 ? 'not signed in' : count(sessions, 'session')}</span><span>made ${age(row.createdAt, at)}</span><span>changed ${age(row.changedAt, at)}</span></div>${canAct && row.isProven ? acts : ''}</div>`
}

const renderToken = (c: ConsoleContext, row: ApiToken, at: Date, canAct: boolean): Markup => {
  const isValid = !row.revokedAt && row.expiresAt > at
  return html`<div class="row" data-row><div class="line"><span class="grow title">${said(row.name, 100)}</span>${row.revokedAt ? tag('revoked', 'bad') : isValid ? tag('valid', 'ok') : tag('expired', 'warn')}</div><div class="facts"><span><code>${said(row.id, 40)}</code></span><span>${said(row.scopes.join(', '), 120)}</span><span class="num">${row.perMinute} a minute</span><span>used ${row.lastUsedAt ? age(row.lastUsedAt, at) : 'never'}</span><span>until ${row.expiresAt.toISOString().slice(0, 10)}</span></div>${canAct && isValid ? html`<div class="acts flush">${form(c, `/tokens/${row.id}/revoke`, '', 'Revoke', 'no')}</div>` : ''}</div>`
}

const renderForms = (c: ConsoleContext): Markup =>
  html`${card(
    'Invite somebody',
    html`<form class="form" method="post" action="/users/invite">${csrfField(c)}${input('name', 'Name, as they sign in', '', { required: true, max: 100 })}${select('role', 'Role', 'responder', roles)}<p class="mute small">You get a link to hand over; they choose the password. For whom somebody answers proposals is said at the machine: <code>tocsin users approver</code>.</p><p><button class="btn main" type="submit">Make a link</button></p></form>`,
  )}${card(
    'A token for a program',
    html`<form class="form" method="post" action="/tokens">${csrfField(c)}${input('name', 'Name', '', { required: true, max: 100 })}<fieldset class="field"><legend>May</legend>${SCOPES.map((scope) => html`<label class="check"><input type="checkbox" name="scope" value="${scope}"> ${scope}</label> `)}</fieldset>${select(
      'days',
      'For',
      '90',
      [
        ['7', '7 days'],
        ['30', '30 days'],
        ['90', '90 days'],
        ['366', 'a year'],
      ],
    )}<p><button class="btn main" type="submit">Make it</button></p></form>`,
  )}`

/** Who may sign in, and which programs hold a token; an admin who proved who they are changes both here. */
export const showUsers = async (
  c: ConsoleContext,
  options: PageOptions,
  shown?: Shown,
): Promise<Response> => {
  const at = new Date()
  const { db } = options.store
  const principal = principalOf(c)
  const canAct = isFresh(principal)
  const [users, tokens, sessions] = await Promise.all([
    listUsers(await options.auth.book()),
    listTokens(db),
    listSessions(db),
  ])
  const sessionsOf = (name: string) => sessions.filter(({ user }) => user === name).length
  const notice = c.req.query('said')
  const prove =
    principal.via === 'session' && !canAct
      ? html`<div class="notice"><span>To change something here, prove first that it is you.</span><span class="end"><a class="btn main" href="/sign-in/again?to=/users">Prove it</a></span></div>`
      : ''
  return show(c, options, {
    title: 'Users',
    page: 'users',
    at,
    body: html`<div class="headline"><h2>Users and tokens</h2><span class="sub">also at the machine: <code>tocsin users</code>, <code>tocsin tokens</code></span></div>
${notice ? html`<div class="notice" role="status">${said(notice, 300)}</div>` : ''}${prove}
${shown ? card(said(shown.title, 200), html`<p class="once"><code>${said(shown.value, 4_000)}</code>${copy(shown.value, 'it')}</p>`) : ''}
<div class="half"><div class="col">${card(html`Users <span class="count">${users.length}</span>`, users.length === 0 ? none('Nobody has a password here; people come by the identity provider, or not at all.') : html`${users.map((row) => renderUser(c, row, { at, sessions: sessionsOf(row.name), canAct }))}`)}${card('What each role may', html`${ROLES.map((role) => html`<div class="row"><div class="line"><span class="grow"><strong>${role}</strong> ${MAY[role]}</span></div></div>`)}`)}</div>
<div class="col">${card(html`Tokens <span class="count">${tokens.length}</span>`, tokens.length === 0 ? none('No program has one.') : html`${tokens.map((row) => renderToken(c, row, at, canAct))}`)}${canAct ? renderForms(c) : ''}</div></div>`,
  })
}
