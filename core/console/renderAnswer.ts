import { text } from './format.ts'
import { html, type Markup, trusted } from './html.ts'
import { STYLE } from './style.ts'

const FORM_STYLE = `.answer{max-width:760px}.answer .card{padding-bottom:12px}.facts2{margin:0;display:grid;grid-template-columns:150px minmax(0,1fr);gap:6px 16px;padding:14px 16px}
.facts2 dt{color:var(--mute)}.facts2 dd{margin:0;overflow-wrap:anywhere}.act{padding:4px 16px 8px}
button{font:inherit;font-weight:650;border:0;border-radius:8px;padding:10px 18px;color:#fff;background:var(--ok);cursor:pointer}button.deny{background:var(--bad)}`

const page = (title: string, nonce: string, body: Markup): string =>
  html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex"><title>${text(title, 100)} · Tocsin</title>
<style nonce="${nonce}">${trusted(STYLE)}${trusted(FORM_STYLE)}</style></head>
<body><main id="main" class="answer">${body}</main></body></html>`.markup

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
<form class="act" method="post" action="/answer"><input type="hidden" name="t" value="${view.token}">
<button class="${view.decision === 'deny' ? 'deny' : ''}" type="submit">${word}</button></form></section>`,
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
