import type { Hub } from '../createHub.ts'
import { html, type Markup } from '../html.ts'
import type { Overview } from '../overviewTypes.ts'
import type { ConsoleContext } from '../principal.ts'
import { pageTitle, renderOverview } from '../renderPage.ts'
import { factorNotice, type PageOptions, signOut } from './kit.ts'
import { renderLayout } from './layout.ts'

/** What is on fire, how the watch is, what waits for people, and who is on call. */
export const showOverview = async (
  c: ConsoleContext,
  options: PageOptions & { readonly hub: Hub },
  side: (overview: Overview) => Promise<Markup | string>,
): Promise<Response> => {
  const { overview, sections } = await options.hub.snapshot()
  const { name, env } = options.config()
  const { counts, waiting, at } = overview
  return c.html(
    renderLayout({
      title: pageTitle(overview, name),
      page: 'overview',
      at,
      name,
      env,
      nonce: c.get('nonce'),
      principal: c.get('principal'),
      signOut: signOut(c),
      badges: {
        alerts: counts.SEV1 + counts.SEV2 + counts.SEV3 + counts.SEV4,
        waiting: waiting.length,
      },
      live: 'overview',
      body: html`${factorNotice(c)}${renderOverview(sections, { side: html`${await side(overview)}` })}`,
    }),
  )
}
