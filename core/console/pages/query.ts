import { html } from '../html.ts'
import type { ConsoleContext } from '../principal.ts'
import { type PageOptions, show } from './kit.ts'
import { EXAMPLES } from './queryExamples.ts'
import { QUERY_SCRIPT } from './queryScript.ts'

/** Questions to the index, answered here: nothing is loaded from elsewhere. */
export const showQuery = (c: ConsoleContext, options: PageOptions): Promise<Response> =>
  show(c, options, {
    title: 'Query',
    page: 'query',
    at: new Date(),
    script: QUERY_SCRIPT,
    body: html`<div class="headline"><h2>Query</h2><span class="sub">GraphQL over indexed events, findings, alerts, incidents and actions</span></div>
<div class="cols"><div class="col"><section class="card" aria-label="Query"><div class="form"><div class="filters flush"><label class="field">Begin with<select id="example">${EXAMPLES.map(({ name }, index) => html`<option value="${index}">${name}</option>`)}</select></label><button class="btn main" id="run" type="button">Run <kbd>Ctrl Enter</kbd></button><button class="btn" id="as" type="button" aria-pressed="false">As JSON</button></div>
<label class="field" for="query">Query</label><textarea id="query" class="mono-field" rows="14" spellcheck="false" autocapitalize="none">${EXAMPLES[0]?.query}</textarea>
<label class="field" for="variables">Variables (JSON)</label><textarea id="variables" class="mono-field" rows="3" spellcheck="false">${EXAMPLES[0]?.variables}</textarea></div></section>
<section class="card" aria-label="Answer"><h2>Answer <span class="count" id="took" role="status"></span></h2><div id="result" class="scroll" tabindex="0"><p class="none">Run the query to see its answer.</p></div></section></div>
<div class="col"><section class="card" aria-label="Schema"><h2>What can be asked <span class="end" id="schema-state"></span></h2><div class="filters"><label class="field wide">Find<input id="find" autocomplete="off"></label></div><div id="schema"><p class="none">The schema is being read …</p></div></section></div></div>
<script type="application/json" id="examples" nonce="${c.get('nonce')}">${{ markup: JSON.stringify(EXAMPLES).replace(/</g, '\\u003c') }}</script>`,
  })
