import { listTokens } from '../auth/tokens.ts'
import { listUsers } from '../auth/users.ts'
import { age } from '../format.ts'
import { html } from '../html.ts'
import type { ConsoleContext } from '../principal.ts'
import { ROLES } from '../principal.ts'
import { type PageOptions, show } from './kit.ts'
import { card, none, said, tag } from './parts.ts'

const MAY: Readonly<Record<(typeof ROLES)[number], string>> = {
  viewer: 'sees everything, changes nothing',
  responder: 'also acknowledges, comments, resolves and silences',
  approver: 'also answers actions that wait for people',
  admin: 'also manages users and tokens',
}

/** Who may sign in, and which programs hold a token. */
export const showUsers = async (c: ConsoleContext, options: PageOptions): Promise<Response> => {
  const at = new Date()
  const { db } = options.store
  const secret = await options.secret()
  const [users, tokens] = await Promise.all([listUsers({ db, secret }), listTokens(db)])
  return show(c, options, {
    title: 'Users',
    page: 'users',
    at,
    body: html`<div class="headline"><h2>Users and tokens</h2><span class="sub">changed at the machine: <code>tocsin users</code>, <code>tocsin tokens</code></span></div>
<div class="half">${card(html`Users <span class="count">${users.length}</span>`, users.length === 0 ? none('Nobody has a password here; people come by the identity provider, or not at all.') : html`${users.map((row) => html`<div class="row" data-row><div class="line"><span class="grow title">${said(row.name, 100)}</span>${tag(row.role, row.role === 'viewer' ? '' : 'warn')}${row.disabledAt ? tag('disabled', 'bad') : ''}</div><div class="facts">${row.approver ? html`<span>answers as ${said(row.approver, 60)}</span>` : ''}<span>made ${age(row.createdAt, at)}</span><span>changed ${age(row.changedAt, at)}</span></div></div>`)}`)}
<div class="col">${card(html`Tokens <span class="count">${tokens.length}</span>`, tokens.length === 0 ? none('No program has one.') : html`${tokens.map((row) => html`<div class="row" data-row><div class="line"><span class="grow title">${said(row.name, 100)}</span>${row.revokedAt ? tag('revoked', 'bad') : row.expiresAt < at ? tag('expired', 'warn') : tag('valid', 'ok')}</div><div class="facts"><span><code>${said(row.id, 40)}</code></span><span>${said(row.scopes.join(', '), 120)}</span><span class="num">${row.perMinute} a minute</span><span>used ${row.lastUsedAt ? age(row.lastUsedAt, at) : 'never'}</span><span>until ${row.expiresAt.toISOString().slice(0, 10)}</span></div></div>`)}`)}
${card('What each role may', html`${ROLES.map((role) => html`<div class="row"><div class="line"><span class="grow"><strong>${role}</strong> ${MAY[role]}</span></div></div>`)}`)}</div></div>`,
  })
}
