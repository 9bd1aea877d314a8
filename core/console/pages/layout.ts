import { age, text } from '../format.ts'
import { html, type Markup, trusted } from '../html.ts'
import type { Principal } from '../principal.ts'
import { SIGN } from '../renderBanner.ts'
import { SCRIPT, THEME_SCRIPT } from '../script.ts'
import { STYLE } from '../style.ts'
import { PAGE_STYLE } from './pageStyle.ts'

const BELL = trusted(
  '<svg width="22" height="22" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.9" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="M12 3v2M6 17c1.2-1.2 1.7-2.6 1.7-5.2V11a4.3 4.3 0 0 1 8.6 0v.8c0 2.6.5 4 1.7 5.2Z"/><path d="M10 20a2 2 0 0 0 4 0M3 9c.3-1.900 1.200-3.600 2.600-4.900M21 9c-.3-1.900-1.200-3.600-2.600-4.900"/></svg>',
)
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E%3Crect width='24' height='24' rx='5' fill='%233257d6'/%3E%3Cpath d='M6.500 16.500c1-1 1.300-2.200 1.300-4.300a4.200 4.200 0 0 1 8.400 0c0 2.100.3 3.300 1.300 4.300ZM10.500 19h3' fill='none' stroke='white' stroke-width='1.800' stroke-linecap='round' stroke-linejoin='round'/%3E%3C/svg%3E"

export type PageName =
  | 'overview'
  | 'incidents'
  | 'alerts'
  | 'findings'
  | 'actions'
  | 'bots'
  | 'watchlist'
  | 'silences'
  | 'oncall'
  | 'deliveries'
  | 'query'
  | 'users'

type Entry = {
  readonly name: PageName
  readonly href: string
  readonly words: string
  /** After `g`. */
  readonly key: string
  readonly badge?: 'alerts' | 'waiting'
  readonly adminOnly?: boolean
}

const PAGES: readonly Entry[] = [
  { name: 'overview', href: '/', words: 'Overview', key: 'o' },
  { name: 'incidents', href: '/incidents', words: 'Incidents', key: 'i' },
  { name: 'alerts', href: '/alerts', words: 'Alerts', key: 'a', badge: 'alerts' },
  { name: 'findings', href: '/findings', words: 'Findings', key: 'f' },
  { name: 'actions', href: '/actions', words: 'Actions', key: 'x', badge: 'waiting' },
  { name: 'bots', href: '/bots', words: 'Bots', key: 'b' },
  { name: 'watchlist', href: '/watchlist', words: 'Watchlist', key: 'w' },
  { name: 'silences', href: '/silences', words: 'Silences', key: 's' },
  { name: 'oncall', href: '/on-call', words: 'On call', key: 'c' },
  { name: 'deliveries', href: '/deliveries', words: 'Deliveries', key: 'd' },
  { name: 'query', href: '/query', words: 'Query', key: 'q' },
  { name: 'users', href: '/users', words: 'Users', key: 'u', adminOnly: true },
]

/** Figures that stand in the navigation of every page. */
export type Badges = { readonly alerts: number; readonly waiting: number }

export type LayoutOptions = {
  /** What stands in the browser's tab. */
  readonly title: string
  readonly page: PageName | undefined
  readonly at: Date
  readonly name: string
  readonly env: string | undefined
  readonly nonce: string
  readonly principal: Principal | undefined
  /** The form that signs out; empty where nobody signed in. */
  readonly signOut?: Markup | string
  readonly badges: Badges
  /** How the page keeps itself up to date. */
  readonly live: 'overview' | 'pulse' | undefined
  readonly body: Markup
  /** Left out: no script of its own. */
  readonly script?: string
}

const entry = (each: Entry, options: LayoutOptions): Markup => {
  const n = each.badge ? options.badges[each.badge] : 0
  return html`<a href="${each.href}" data-key="${each.key}"${each.name === options.page ? trusted(' aria-current="page"') : ''}>${each.words}${
    each.badge
      ? html`<span class="badge${each.badge === 'waiting' ? ' warn' : ''}" data-badge="${each.badge}"${n === 0 ? trusted(' hidden') : ''}>${n}</span>`
      : ''
  }</a>`
}

const KEYS: readonly (readonly [string, string])[] = [
  ['j k', 'Next and previous row'],
  ['Enter', 'Open it'],
  ['a', 'To “Acknowledge”; Enter presses it'],
  ['p', 'To the answer of an action that waits'],
  ['/', 'To the filter'],
  ['t', 'Light or dark'],
]

const help = (pages: readonly Entry[]): Markup =>
  html`<dialog id="help" aria-labelledby="help-title"><h2 id="help-title">Keys</h2>
<dl class="keys">${KEYS.map(([key, words]) => html`<dt>${key.split(' ').map((each) => html`<kbd>${each}</kbd> `)}</dt><dd>${words}</dd>`)}${pages.map(({ key, words }) => html`<dt><kbd>g</kbd> <kbd>${key}</kbd></dt><dd>${words}</dd>`)}</dl>
<form method="dialog"><button class="btn" type="submit">Close</button></form></dialog>`

const head = (title: string, nonce: string): Markup =>
  html`<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">
<title>${text(title, 120)}</title><link rel="icon" href="${trusted(ICON)}">
<style nonce="${nonce}">${trusted(STYLE)}${trusted(PAGE_STYLE)}</style><script nonce="${nonce}">${trusted(THEME_SCRIPT)}</script>`

/** The whole page. `nonce` lets its own style and script through the content security policy, and nothing else. */
export const renderLayout = (options: LayoutOptions): string => {
  const { nonce, at, principal } = options
  const pages = PAGES.filter(({ adminOnly }) => !adminOnly || principal?.role === 'admin')
  return html`<!doctype html>
<html lang="en"><head>${head(options.title, nonce)}</head>
<body data-at="${at.getTime()}"${options.live ? html` data-live="${options.live}"` : ''}><a class="skip" href="#main">Skip to content</a>
<header><div class="bar">${BELL}<h1><a href="/">Tocsin</a> <span class="name">${text(options.name, 60)}${options.env ? html`<span class="env"> · ${text(options.env, 40)}</span>` : ''}</span></h1>
<div class="right"><span class="clock num" id="clock">${at.toISOString().slice(11, 19)} UTC</span>${options.live ? html`<span class="live"><span class="dot" id="live-dot"></span><span id="live-text">snapshot</span></span>` : ''}${
    principal && principal.via !== 'local'
      ? html`<a class="who" href="/account" title="${text(principal.name, 100)}, ${principal.role}"><bdi>${text(principal.name, 40)}</bdi> · ${principal.role}</a>${options.signOut ?? ''}`
      : ''
  }<button class="icon help" id="keys" type="button" aria-label="Keys" title="Keys (?)">?</button><button class="icon" id="theme" type="button" aria-label="Light or dark" title="Light or dark (t)">◐</button></div></div>
<nav class="pages" aria-label="Pages">${pages.map((each) => entry(each, options))}</nav></header>
<main id="main" tabindex="-1"><div class="banner bad" id="lost" role="alert" hidden>${SIGN}<div><strong>This page is not being updated.</strong><span class="more">Nothing was heard from the console for <span id="lost-age"></span>; what stands below is that old.</span></div></div>
${options.body}</main>
<footer><span>Tocsin, ${text(options.name, 60)}</span><span>as of ${age(at, at)}</span><span>Press <kbd>?</kbd> for keys</span></footer><span id="said" class="skip" role="status"></span>
${help(pages)}<script nonce="${nonce}">${trusted(SCRIPT)}${options.script ? trusted(options.script) : ''}</script></body></html>`
    .markup
}

/** A page without navigation: signing in, the answer to a link, a database that is gone. */
export const renderBare = (options: {
  readonly title: string
  readonly nonce: string
  readonly body: Markup
}): string =>
  html`<!doctype html>
<html lang="en"><head>${head(`${options.title} · Tocsin`, options.nonce)}</head>
<body><header><div class="bar">${BELL}<h1><a href="/">Tocsin</a></h1></div></header><main id="main">${options.body}</main></body></html>`
    .markup
