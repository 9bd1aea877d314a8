import { TocsinError } from '../../base/index.ts'
import {
  beginFactor,
  confirmFactor,
  countRecoveryCodes,
  renewRecoveryCodes,
} from '../auth/factor.ts'
import { listSessions } from '../auth/sessions.ts'
import { createSignInDesk } from '../auth/signInDesk.ts'
import { changeUser, findActiveUser } from '../auth/users.ts'
import { age } from '../format.ts'
import { html, type Markup } from '../html.ts'
import { actForm, type ConsoleContext, csrfField, isFresh, principalOf } from '../principal.ts'
import { type PageOptions, show } from './kit.ts'
import { card, copy, facts, none, said, tag } from './parts.ts'

type Row = NonNullable<Awaited<ReturnType<typeof findActiveUser>>>

const field = (label: string): Markup =>
  html`<label class="field">${label}<input class="code" name="code" inputmode="numeric" autocomplete="one-time-code" spellcheck="false" required maxlength="40" placeholder="123456"></label>`

const inFours = (key: string): string => key.replaceAll(/(.{4})(?=.)/g, '$1 ')

/** The user behind this session. @throws TocsinError `auth.forbidden` for who came by another way */
const userOf = async (c: ConsoleContext, options: PageOptions): Promise<Row> => {
  const { name, via } = principalOf(c)
  const row =
    via === 'session' && !c.get('isOidc')
      ? await findActiveUser(await options.auth.book(), name)
      : undefined
  if (row) return row
  throw new TocsinError('auth.forbidden', 'This is for people who sign in with a password here.')
}

const renderEnrolment = async (
  c: ConsoleContext,
  options: PageOptions,
  row: Row,
): Promise<Markup> => {
  const issuer = `Tocsin ${options.config().name}`
  const { key, uri, ticket } = beginFactor(await options.secret(), row.name, issuer)
  return card(
    'Set up a second factor',
    html`<form class="form" method="post" action="/account/factor/confirm">${csrfField(c)}<input type="hidden" name="ticket" value="${ticket}">
<p>Give this key to your authenticator: on the telephone <a href="${uri}">open it there</a>, or type it in (time based, 6 digits, 30 seconds).</p>
<p class="key"><code>${inFours(key)}</code>${copy(key, 'the key')}</p>
<details id="uri"><summary>As a link</summary><p class="once"><code>${uri}</code>${copy(uri, 'the link')}</p></details>
${field('The code that it shows now')}<p><button class="btn main" type="submit">It counts from now on</button></p></form>`,
  )
}

const renderFactor = async (c: ConsoleContext, options: PageOptions, row: Row): Promise<Markup> => {
  if (row.totp === null)
    return card(
      'Second factor',
      html`<form class="form" method="post" action="/account/factor">${csrfField(c)}<p>A password can be seen over a shoulder. With a second factor nobody signs in without the code of your authenticator as well.</p><p><button class="btn main" type="submit">Set it up</button></p></form>`,
    )
  const left = await countRecoveryCodes(options.store.db, row.name)
  const isNeeded =
    options.config().console.requireTotp === true &&
    row.role !== 'viewer' &&
    row.role !== 'responder'
  return card(
    html`Second factor ${tag('on', 'ok')}`,
    html`${facts([['Recovery codes left', html`<span class="num">${left}</span> ${left < 3 ? tag('few', 'warn') : ''}`]])}
<form class="form" method="post" action="/account/factor/codes">${csrfField(c)}${field('Code of your authenticator')}<p class="acts flush"><button class="btn" type="submit">New recovery codes</button>${isNeeded ? '' : html`<button class="btn no" type="submit" formaction="/account/factor/remove">Take it away</button>`}</p></form>`,
  )
}

/** Oneself: second factor, and where one is signed in. */
export const showAccount = async (
  c: ConsoleContext,
  options: PageOptions,
  more: { readonly card?: Markup; readonly codes?: readonly string[] } = {},
): Promise<Response> => {
  const at = new Date()
  const principal = principalOf(c)
  const row = await userOf(c, options).catch(() => undefined)
  const sessions = (await listSessions(options.store.db)).filter(
    ({ user }) => user === principal.name,
  )
  const notice = c.req.query('said')
  const codes = more.codes
    ? card(
        'Recovery codes, shown this once',
        html`<p class="none">Each signs you in once without your authenticator. Keep them where you keep your passport.</p><pre class="codes">${more.codes.join('\n')}</pre><p class="acts">${copy(more.codes.join('\n'), 'the codes')}</p>`,
      )
    : ''
  return show(c, options, {
    title: 'You',
    page: undefined,
    at,
    body: html`<div class="headline"><h2>${said(principal.name, 100)}</h2>${tag(row?.role ?? principal.role)}${principal.approver ? html`<span class="sub">answers as ${said(principal.approver, 60)}</span>` : ''}</div>
${notice ? html`<div class="notice" role="status">${said(notice, 300)}</div>` : ''}${codes}
<div class="half"><div class="col">${more.card ?? (row ? await renderFactor(c, options, row) : card('Second factor', none('Who signs in by an identity provider has it there; who is at the machine needs none.')))}</div>
<div class="col">${card(
      html`Signed in <span class="count">${sessions.length}</span>`,
      html`${sessions.map((each) => html`<div class="row"><div class="line"><span class="grow">${said(each.agent || 'unknown program', 120)}</span></div><div class="facts"><span>from ${said(each.address, 64)}</span><span>since ${age(each.createdAt, at)}</span><span>used ${age(each.seenAt, at)}</span></div></div>`)}${
        sessions.length > 0
          ? html`<div class="acts"><form method="post" action="/sign-out">${csrfField(c)}<button class="btn" type="submit">Sign out</button></form><form method="post" action="/sign-out">${csrfField(c)}<input type="hidden" name="everywhere" value="1"><button class="btn" type="submit">Sign out everywhere</button></form></div>`
          : ''
      }`,
    )}</div></div>`,
  })
}

const back = (c: ConsoleContext, words: string): Response =>
  c.redirect(`/account?said=${encodeURIComponent(words)}`, 303)

/** The page with a new key. A first factor needs a person who proved just now who they are. */
export const startFactor = async (c: ConsoleContext, options: PageOptions): Promise<Response> => {
  await actForm(c)
  const row = await userOf(c, options)
  if (!isFresh(principalOf(c))) return c.redirect('/sign-in/again?to=/account', 303)
  if (row.totp !== null) return back(c, 'You have a second factor already.')
  return showAccount(c, options, { card: await renderEnrolment(c, options, row) })
}

/** Makes it count, and begins the session anew, for every other one ended with it. */
export const finishFactor = async (c: ConsoleContext, options: PageOptions): Promise<Response> => {
  const form = await actForm(c)
  const row = await userOf(c, options)
  if (!isFresh(principalOf(c))) return c.redirect('/sign-in/again?to=/account', 303)
  if (row.totp !== null) return back(c, 'You have a second factor already.')
  const given = {
    ticket: form.get('ticket') ?? '',
    code: (form.get('code') ?? '').replaceAll(/\s/g, ''),
  }
  const codes = await options.perform(c, { act: 'account.factor', subject: row.name }, async () =>
    confirmFactor(await options.auth.book(), row.name, given),
  )
  const { role, approver } = row
  await options.auth.begin(c, { user: row.name, role, approver, via: 'password' })
  c.set('lacksFactor', false)
  return showAccount(c, options, { codes })
}

/** Takes the code that a change of the factor needs; guesses are counted as at the door. */
const spend = async (
  c: ConsoleContext,
  options: PageOptions,
  row: Row,
  act: string,
): Promise<void> => {
  const form = await actForm(c)
  await createSignInDesk(options).checkCode(c, row, form.get('code') ?? '', act)
}

export const renewCodes = async (c: ConsoleContext, options: PageOptions): Promise<Response> => {
  const row = await userOf(c, options)
  const codes = await options.perform(c, { act: 'account.codes', subject: row.name }, async () => {
    await spend(c, options, row, 'account.codes')
    const { db, secret } = await options.auth.book()
    return db.transaction((tx) => renewRecoveryCodes(tx, secret, row.name))
  })
  return showAccount(c, options, { codes })
}

export const removeFactor = async (c: ConsoleContext, options: PageOptions): Promise<Response> => {
  const row = await userOf(c, options)
  await options.perform(c, { act: 'account.factor.remove', subject: row.name }, async () => {
    await spend(c, options, row, 'account.factor.remove')
    await changeUser(await options.auth.book(), row.name, { factor: null })
  })
  return c.redirect('/sign-in', 303)
}
