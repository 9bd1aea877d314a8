import { isTocsinError, messageOf } from '../../base/index.ts'
import type { tables } from '../../store/index.ts'
import { age } from '../format.ts'
import { html, type Markup } from '../html.ts'
import { type ConsoleContext, csrfField, hasRole, principalOf } from '../principal.ts'
import { describeProposal } from '../routePeople.ts'
import type { PageOptions } from './kit.ts'
import { facts, said } from './parts.ts'

type Row = typeof tables.execution.$inferSelect

/** What of a proposal is shown first; the rest stands behind a fold. */
const FIRST: readonly string[] = [
  'Action',
  'Effect',
  'Chain',
  'Target',
  'Call',
  'Simulation',
  'People needed',
  'Answers so far',
]

type Shown = { readonly facts: readonly (readonly [string, string])[]; readonly bytesHash: string }

const readShown = async (options: PageOptions, row: Row): Promise<Shown | string> => {
  try {
    const { bytesHashOf, readPolicies } = await import('../../response/index.ts')
    const { policies } = await readPolicies(options.config().actionsDir)
    const policy = policies.find(({ id }) => id === row.actionId)
    if (!policy) return 'Its policy file is gone: it cannot be answered.'
    if (policy.hash !== row.policyHash)
      return 'Its policy file is another one by now: it cannot be answered.'
    return {
      facts: await describeProposal(options, row, policy),
      bytesHash: bytesHashOf(row.id, policy),
    }
  } catch (error) {
    options.log.warn(
      { error: messageOf(error), execution: row.id },
      'A proposal was not described.',
    )
    return isTocsinError(error) ? error.message : 'It cannot be described now.'
  }
}

const forms = (c: ConsoleContext, row: Row, bytesHash: string): Markup => {
  const principal = principalOf(c)
  if (principal.via !== 'session')
    return html`<p class="none">Answer by the link that was sent to you, or <code>tocsin actions approve ${row.id} --by you</code>.</p>`
  if (!hasRole(principal, 'approver'))
    return html`<p class="none">Answering needs the role approver; you are ${principal.role}.</p>`
  if (principal.approver === undefined)
    return html`<p class="none">You are none of the approvers: <code>tocsin users approver</code> says for whom a user answers.</p>`
  const button = (decision: 'approve' | 'deny', words: string, look: string): Markup =>
    html`<form method="post" action="/actions/${row.id}/${decision}">${csrfField(c)}<input type="hidden" name="bytes" value="${bytesHash}"><button class="btn ${look}" type="submit"${decision === 'approve' ? html` data-act="approve"` : ''}>${words}</button></form>`
  return html`<div class="acts">${button('approve', 'Approve', 'yes')}${button('deny', 'Deny', 'no')}<span class="mute small">as ${said(principal.approver, 60)}; the signer checks everything again</span></div>`
}

/** An action that waits for people: what it does, exactly, what its simulation said, and the answer. */
export const renderProposalCard = async (
  c: ConsoleContext,
  options: PageOptions,
  row: Row,
  now: Date,
): Promise<Markup> => {
  const shown = await readShown(options, row)
  const head = html`<h2><span class="tag warn">waits for people</span> <a href="/actions/${row.id}">${said(row.actionId, 100)}</a><span class="end">asked ${age(row.requestedAt, now)}</span></h2>`
  if (typeof shown === 'string')
    return html`<section class="card">${head}<p class="none">${said(shown, 300)}</p></section>`
  const thing = options
    .config()
    .watch.find(
      ({ chainId, address }) =>
        chainId === row.chainId && address.toLowerCase() === row.target?.toLowerCase(),
    )
  const fact = ([name, value]: readonly [string, string]) => {
    const isCode = /^(Call|Exact calldata|Target|Policy hash)$/.test(name)
    const shown = isCode ? html`<code>${said(value, 2_000)}</code>` : said(value, 2_000)
    const named = name === 'Target' && thing
    return [name, named ? html`<strong>${said(thing.name, 100)}</strong> ${shown}` : shown] as const
  }
  return html`<section class="card">${head}${facts(shown.facts.filter(([name]) => FIRST.includes(name)).map(fact))}
<details id="rest-${row.id}"><summary>Exact calldata, evidence and hashes</summary>${facts(shown.facts.filter(([name]) => !FIRST.includes(name)).map(fact))}</details>${forms(c, row, shown.bytesHash)}</section>`
}
