import { eq, inArray, sql } from 'drizzle-orm'
import type { Config } from '../../config/types.ts'
import type { PeopleSecret } from '../../response/light.ts'
import { type Database, type Store, tables } from '../../store/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import type { Auth } from '../auth/createAuth.ts'
import type { Perform } from '../auth/perform.ts'
import { html, type Markup } from '../html.ts'
import { type ConsoleContext, csrfField } from '../principal.ts'
import { type Badges, type PageName, renderLayout } from './layout.ts'

/** What every page is made from. */
export type PageOptions = {
  readonly config: () => Config
  readonly store: Store
  readonly log: Logger
  /** Does something for a person, and writes into the audit who did it. */
  readonly perform: Perform
  readonly auth: Auth
  /** Proves the answers of people. */
  readonly secret: () => Promise<PeopleSecret>
}

/** The form that signs out, where somebody signed in. */
export const signOut = (c: ConsoleContext): Markup | string =>
  c.get('principal')?.via === 'session'
    ? html`<form method="post" action="/sign-out">${csrfField(c)}<button class="icon" type="submit">Sign out</button></form>`
    : ''

export type PageView = {
  readonly title: string
  readonly page: PageName | undefined
  readonly body: Markup
  readonly at: Date
  readonly live?: 'overview' | 'pulse'
  readonly script?: string
  readonly status?: 200 | 403 | 404 | 409
}

/** Open alerts, and actions that wait for people. */
export const readBadges = async (db: Database): Promise<Badges> => {
  const { alert, execution } = tables
  const [[alerts], [waiting]] = await Promise.all([
    db
      .select({ n: sql<number>`count(*)::int` })
      .from(alert)
      .where(inArray(alert.status, ['open', 'unknown'])),
    db
      .select({ n: sql<number>`count(*)::int` })
      .from(execution)
      .where(eq(execution.status, 'proposed')),
  ])
  return { alerts: alerts?.n ?? 0, waiting: waiting?.n ?? 0 }
}

/** Who must get a second factor first hears of it on every page. */
export const factorNotice = (c: ConsoleContext): Markup | string =>
  c.get('lacksFactor')
    ? html`<div class="notice warn"><strong>You only see, for now.</strong><span>Your role needs a second factor, and you have none.</span><span class="end"><a class="btn main" href="/account">Set it up</a></span></div>`
    : ''

/** Sends a page in the console's frame. */
export const show = async (
  c: ConsoleContext,
  options: PageOptions,
  view: PageView,
): Promise<Response> => {
  const { name, env } = options.config()
  const principal = c.get('principal')
  return c.html(
    renderLayout({
      title: `${view.title} · Tocsin ${name}`,
      page: view.page,
      at: view.at,
      name,
      env,
      nonce: c.get('nonce'),
      principal,
      signOut: signOut(c),
      badges: await readBadges(options.store.db),
      live: view.live,
      body: html`${factorNotice(c)}${view.body}`,
      ...(view.script === undefined ? {} : { script: view.script }),
    }),
    view.status ?? 200,
  )
}

/** There is no such thing, said in the frame. */
export const showNothing = (
  c: ConsoleContext,
  options: PageOptions,
  page: PageName,
  words: string,
): Promise<Response> =>
  show(c, options, {
    title: 'Not found',
    page,
    at: new Date(),
    status: 404,
    body: html`<section class="card"><h2>Not found</h2><p class="none">${words}</p></section>`,
  })

/** How the watchlist calls a chain, and its explorer. */
export const chainOf = (
  config: Pick<Config, 'chains'>,
  id: number,
): { readonly name: string; readonly explorer: string | undefined } => {
  const chain = config.chains.find((each) => each.id === id)
  return {
    name: id === 0 ? 'tocsin' : (chain?.name ?? `chain ${id}`),
    explorer: chain?.explorer,
  }
}
