import { text } from './format.ts'
import { html, type Markup } from './html.ts'
import { renderBare } from './pages/layout.ts'

const page = (title: string, nonce: string, body: Markup): string =>
  renderBare({ title, nonce, body: html`<div class="answer">${body}</div>` })

/** A proposal as the page shows it: everything that the answer is bound to, and what speaks for it. */
export type ProposalView = {
  readonly facts: readonly (readonly [string, string])[]
  readonly decision: 'approve' | 'deny'
  readonly who: string
  readonly token: string
}

/** The page on which somebody reads a proposal before answering. Nothing happens before the button is pressed. */
export const renderProposal = (view: ProposalView, nonce: string): string => {
  const word = view.decision === 'deny' ? 'Deny' : 'Approve'
  return page(
    `${word} a proposal`,
    nonce,
    html`<section class="card"><h2>${word} this action, as ${text(view.who, 100)}?</h2>
<dl class="facts2">${view.facts.map(([name, value]) => html`<dt>${name}</dt><dd>${text(value, 2_000)}</dd>`)}</dl>
<form class="acts" method="post" action="/answer"><input type="hidden" name="t" value="${view.token}">
<button class="btn ${view.decision === 'deny' ? 'no' : 'yes'}" type="submit">${word}</button></form></section>`,
  )
}

/** What became of an answer, or why there is none to give. */
export const renderOutcome = (
  title: string,
  message: string,
  isWell: boolean,
  nonce: string,
): string =>
  page(
    title,
    nonce,
    html`<div class="banner ${isWell ? 'ok' : 'bad'}" role="status"><div><strong>${text(title, 100)}</strong><span class="more">${text(message, 500)}</span></div></div>`,
  )
