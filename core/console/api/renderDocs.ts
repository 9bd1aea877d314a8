import { html, type Markup } from '../html.ts'
import { renderBare } from '../pages/layout.ts'
import { API_BASE } from './document.ts'
import type { Operation } from './operation.ts'

const row = ({ method, path, summary, role, scope, query, body }: Operation): Markup => {
  const fields = [...Object.keys(query?.shape ?? {}), ...Object.keys(body?.shape ?? {})]
  return html`<tr><td><code>${method.toUpperCase()} ${API_BASE}${path}</code></td><td>${summary}${fields.length > 0 ? html`<br><small>${fields.join(', ')}</small>` : ''}</td><td>${role}</td><td>${scope ?? '–'}</td></tr>`
}

/** The API for people who read: every operation, and who may use it. */
export const renderDocs = (operations: readonly Operation[], nonce: string): string => {
  const tags = [...new Set(operations.map(({ tag }) => tag))]
  return renderBare({
    title: 'API',
    nonce,
    body: html`<section class="card"><h2>API</h2><p class="form">Send a token of <code>tocsin tokens create</code> as <code>Authorization: Bearer …</code>. The whole description, for programs: <a href="/api/openapi.json">openapi.json</a> (OpenAPI 3.1).</p></section>${tags.map(
      (tag) =>
        html`<section class="card"><h2>${tag}</h2><div class="scroll"><table><thead><tr><th>Call</th><th>What it does</th><th>Role</th><th>Scope</th></tr></thead><tbody>${operations.filter((each) => each.tag === tag).map(row)}</tbody></table></div></section>`,
    )}`,
  })
}
