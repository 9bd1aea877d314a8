import { text } from '../format.ts'
import { html, type Markup } from '../html.ts'
import { renderBare } from '../pages/layout.ts'

const notice = (message: string | undefined): Markup | string =>
  message
    ? html`<div class="banner bad" role="alert"><div><strong>${text(message, 300)}</strong></div></div>`
    : ''

/** Six digits of an authenticator, or a recovery code. */
const codeField = html`<label class="field">Code of your authenticator<input class="code" name="code" inputmode="numeric" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" required maxlength="40" placeholder="123456"></label>`

export type SignInView = {
  readonly nonce: string
  readonly to: string
  readonly message?: string | undefined
  /** What the button of the identity provider says; left out without one. */
  readonly oidc?: string | undefined
  readonly hasPasswords: boolean
  /** What went well just now. */
  readonly words?: string | undefined
  readonly user?: string
}

/** The page on which people sign in. */
export const renderSignIn = (view: SignInView): string => {
  const to = encodeURIComponent(view.to)
  return renderBare({
    title: 'Sign in',
    nonce: view.nonce,
    body: html`${notice(view.message)}${view.words ? html`<div class="notice narrow" role="status">${text(view.words, 300)}</div>` : ''}<section class="card narrow"><h2>Sign in</h2>${
      view.oidc
        ? html`<p class="form"><a class="btn main" href="/sign-in/oidc?to=${to}">Sign in by ${text(view.oidc, 60)}</a></p>`
        : ''
    }${
      view.hasPasswords
        ? html`<form class="form" method="post" action="/sign-in"><input type="hidden" name="to" value="${view.to}">
<label class="field">Name<input name="user" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="200" value="${view.user ?? ''}"></label>
<label class="field">Password<input name="password" type="password" autocomplete="current-password" required maxlength="200"></label>
<p><button class="btn main" type="submit">Sign in</button></p></form>`
        : ''
    }</section>`,
  })
}

/** The second step of signing in, for whoever has a second factor. */
export const renderCode = (view: {
  readonly nonce: string
  readonly to: string
  readonly ticket: string
  readonly message?: string | undefined
}): string =>
  renderBare({
    title: 'Sign in',
    nonce: view.nonce,
    body: html`${notice(view.message)}<section class="card narrow"><h2>Your second factor</h2><form class="form" method="post" action="/sign-in/code"><input type="hidden" name="to" value="${view.to}"><input type="hidden" name="ticket" value="${view.ticket}">
${codeField}<p class="mute small">Without your authenticator: one of the recovery codes, each once.</p>
<p><button class="btn main" type="submit">Sign in</button></p></form></section>`,
  })

/** The page on which somebody chooses a password, by the link of an admin. */
export const renderWelcome = (view: {
  readonly nonce: string
  readonly ticket: string
  readonly name: string
  readonly isNew: boolean
  readonly message?: string | undefined
}): string => {
  const password = (name: string, label: string) =>
    html`<label class="field">${label}<input name="${name}" type="password" autocomplete="new-password" required minlength="12" maxlength="200"></label>`
  return renderBare({
    title: view.isNew ? 'Welcome' : 'A new password',
    nonce: view.nonce,
    body: html`${notice(view.message)}<section class="card narrow"><h2>${view.isNew ? 'Welcome' : 'A new password'}, ${text(view.name, 100)}</h2><form class="form" method="post" action="/welcome"><input type="hidden" name="ticket" value="${view.ticket}"><input type="hidden" name="user" autocomplete="username" value="${view.name}">
${password('password', 'Password, 12 characters or more')}${password('again', 'Once more')}<p><button class="btn main" type="submit">Keep it</button></p></form></section>`,
  })
}

/** The page on which somebody who is signed in proves it again. */
export const renderAgain = (view: {
  readonly nonce: string
  readonly to: string
  readonly name: string
  readonly csrf: Markup
  readonly message?: string | undefined
  readonly oidc?: string | undefined
  readonly hasFactor: boolean
}): string =>
  renderBare({
    title: 'Prove that it is you',
    nonce: view.nonce,
    body: html`${notice(view.message)}<section class="card narrow"><h2>Prove that it is you, ${text(view.name, 100)}</h2>${
      view.oidc
        ? html`<p class="form"><a class="btn main" href="/sign-in/oidc?again=1&amp;to=${encodeURIComponent(view.to)}">Go to ${text(view.oidc, 60)}</a></p>`
        : html`<form class="form" method="post" action="/sign-in/again">${view.csrf}<input type="hidden" name="to" value="${view.to}">
<label class="field">Password<input name="password" type="password" autocomplete="current-password" required maxlength="200"></label>
${view.hasFactor ? codeField : ''}<p><button class="btn main" type="submit">Go on</button></p></form>`
    }</section>`,
  })
