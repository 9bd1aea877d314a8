import { eq } from 'drizzle-orm'
import { z } from 'zod'
import { type Database, tables } from '../../store/index.ts'
import { age } from '../format.ts'
import { html } from '../html.ts'
import type { ConsoleContext } from '../principal.ts'
import { askedFor } from './findings.ts'
import { chainOf, type PageOptions, show } from './kit.ts'
import { card, hex, input, none, said, select, tag } from './parts.ts'

/** Key of the row in which the watcher says which bots look at which thing. */
export const PLAN_KEY = 'watch.plan'
const planSchema = z.object({
  hash: z.string(),
  things: z.record(z.string(), z.array(z.string())),
  warnings: z.array(z.string()).catch([]),
})

const readPlan = async (db: Database) => {
  const [row] = await db.select().from(tables.keyValue).where(eq(tables.keyValue.key, PLAN_KEY))
  const parsed = planSchema.safeParse(row?.value)
  return row && parsed.success ? { ...parsed.data, at: row.updatedAt } : undefined
}

/** The watchlist as it was understood: every thing, what watches it, and where nobody looks. */
export const showWatchlist = async (c: ConsoleContext, options: PageOptions): Promise<Response> => {
  const at = new Date()
  const config = options.config()
  const asked = askedFor(c.req.query())
  const { db } = options.store
  const [plan, covers] = await Promise.all([
    readPlan(db),
    db.select().from(tables.tallyCover).limit(5_000),
  ])
  const kinds = [...new Set(config.watch.map(({ kind }) => kind))].toSorted()
  const wanted = (asked['find'] ?? '').toLowerCase()
  const things = config.watch.filter(
    (thing) =>
      (!asked['kind'] || thing.kind === asked['kind']) &&
      (!asked['chain'] || thing.chain === asked['chain']) &&
      (!wanted ||
        `${thing.name} ${thing.address} ${thing.owner ?? ''} ${thing.protocol ?? ''}`
          .toLowerCase()
          .includes(wanted)),
  )
  const heard = new Set(covers.map((row) => `${row.chainId}:${row.address}`))
  const botsOf = (name: string): readonly string[] | undefined => plan?.things[name]
  const gaps = config.watch.filter(
    ({ name, kind }) => kind !== 'label' && plan !== undefined && (botsOf(name)?.length ?? 0) === 0,
  )
  const shown = things.slice(0, 200)
  return show(c, options, {
    title: 'Watchlist',
    page: 'watchlist',
    at,
    live: 'pulse',
    body: html`<div class="headline"><h2>Watchlist</h2><span class="sub">${config.watch.length} things on ${config.chains.length} chains, as understood</span><span class="end mute small"><code title="${said(config.hash, 80)}">${said(config.hash, 14)}</code></span></div>
${
  plan === undefined
    ? html`<div class="notice warn"><strong>Which bots look at what is not known.</strong> <span>The watcher says so when it starts.</span></div>`
    : plan.hash !== config.hash
      ? html`<div class="notice warn"><strong>The watcher runs by another watchlist.</strong> <span>What stands below is of ${age(plan.at, at)}.</span></div>`
      : ''
}
${gaps.length > 0 || (plan?.warnings.length ?? 0) > 0 ? card(html`Silent gaps <span class="count">${gaps.length + (plan?.warnings.length ?? 0)}</span>`, html`${gaps.length > 0 ? html`<div class="row"><div class="line">${tag('nobody looks', 'warn')}<span class="grow">${gaps.slice(0, 30).map(({ name }, index) => html`${index > 0 ? ', ' : ''}${said(name, 80)}`)}${gaps.length > 30 ? ` and ${gaps.length - 30} more` : ''}</span></div></div>` : ''}${(plan?.warnings ?? []).slice(0, 20).map((warning) => html`<div class="row"><div class="line">${tag('warning', 'warn')}<span class="grow">${said(warning, 400)}</span></div></div>`)}`) : ''}
<section class="card" aria-label="Filter"><form class="filters" method="get" action="/watchlist" role="search">${input('find', 'Name, address, owner or protocol', asked['find'], { wide: true })}${select('kind', 'Kind', asked['kind'], [['', 'any'], ...kinds.map((kind) => [kind, kind] as const)])}${select('chain', 'Chain', asked['chain'], [['', 'any'], ...config.chains.map(({ name }) => [name, name] as const)])}<button class="btn main" type="submit">Show</button><a class="btn" href="/watchlist">Clear</a></form></section>
<section class="card" data-part="things" aria-label="Things">${
      shown.length === 0
        ? none('Nothing fits this filter.')
        : html`<table><thead><tr><th>Thing</th><th>Kind</th><th>Chain</th><th>Address</th><th>Owner</th><th>Bots that look at it</th></tr></thead><tbody>${shown.map(
            (thing) => {
              const bots = botsOf(thing.name)
              const chain = chainOf(config, thing.chainId)
              return html`<tr data-row><td class="what"><span class="title"><a href="/findings?thing=${encodeURIComponent(thing.name)}">${said(thing.name, 80)}</a></span>${thing.protocol ? html`<div class="facts"><span>${said(thing.protocol, 60)}</span></div>` : ''}</td><td class="small">${'variant' in thing && thing.variant ? `${thing.variant} ` : ''}${thing.kind}${thing.proxy ? tag('proxy') : ''}</td><td class="small">${said(thing.chain, 40)}</td><td class="nowrap small">${hex(thing.address, 'address', chain.explorer)}</td><td class="small">${thing.owner ? said(thing.owner, 60) : html`<span class="mute">nobody</span>`}</td><td class="small">${thing.kind === 'label' ? html`<span class="mute">names an address</span>` : bots === undefined ? html`<span class="mute">unknown</span>` : bots.length === 0 ? tag('nobody looks', 'warn') : said(bots.join(', '), 400)}${heard.size > 0 && thing.kind !== 'label' && !heard.has(`${thing.chainId}:${thing.address}`) ? html` ${tag('not counted yet')}` : ''}</td></tr>`
            },
          )}</tbody></table>${things.length > 200 ? none(`${things.length - 200} more: narrow the filter.`) : ''}`
    }</section>
${card(
  'Who is told',
  html`${config.routes.map(
    (route, index) =>
      html`<div class="row"><div class="line"><span class="grow">${said(route.name ?? `route ${index + 1}`, 80)}: ${
        Object.entries(route.match).length === 0
          ? 'everything'
          : said(
              Object.entries(route.match)
                .map(([key, values]) => `${key} ${(values ?? []).join(' or ')}`)
                .join(', '),
              300,
            )
      }</span><span class="end">${said(route.channels.join(', '), 120)}</span></div></div>`,
  )}${config.answers.map(
    (answer) =>
      html`<div class="row"><div class="line">${tag('answer')}<span class="grow">${said(answer.when.bot.join(' or '), 200)} at ${answer.when.minSeverity} or graver asks for <strong>${said(answer.action, 80)}</strong></span></div></div>`,
  )}`,
)}`,
  })
}
