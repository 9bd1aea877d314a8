import { text } from '../format.ts'
import { html, type Markup } from '../html.ts'

/** Words with `code` and **weight**; links show where they lead, and lead nowhere. */
const inline = (line: string): readonly (Markup | string)[] =>
  text(line, 4_000)
    .split(/(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\([^)\s]+\))/)
    .map((part) => {
      if (/^`[^`]+`$/.test(part)) return html`<code>${part.slice(1, -1)}</code>`
      if (/^\*\*[^*]+\*\*$/.test(part)) return html`<strong>${part.slice(2, -2)}</strong>`
      const link = /^\[([^\]]+)\]\(([^)\s]+)\)$/.exec(part)
      return link
        ? html`${link[1]} (<code>${link[2]}</code>)`
        : part.replace(/(^|\s)_([^_]+)_(?=[\s.,;:]|$)/g, '$1$2')
    })

const cells = (line: string): readonly string[] =>
  line
    .replace(/^\s*\||\|\s*$/g, '')
    .split('|')
    .map((cell) => cell.trim())

const MAX_LINES = 600
const LIST = /^\s*(?:[-*]|\d+[.)])\s+/

/** The Markdown that runbooks are written in: headings, lists, tables, code. Anything else is a paragraph. */
export const renderMarkdown = (source: string): Markup => {
  const lines = source.split(/\r?\n/).slice(0, MAX_LINES)
  const blocks: Markup[] = []
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? ''
    const take = (fits: (line: string) => boolean): string[] => {
      const taken: string[] = []
      for (; at < lines.length && fits(lines[at] ?? ''); at++) taken.push(lines[at] ?? '')
      return taken
    }
    const heading = /^#{1,6}\s+(.*)$/.exec(line)
    if (line.trim() === '') at++
    else if (heading) {
      at++
      if (!/^#\s/.test(line)) blocks.push(html`<h3>${inline(heading[1] ?? '')}</h3>`)
    } else if (/^\s*```/.test(line)) {
      at++
      const code = take((each) => !/^\s*```/.test(each))
      at++
      blocks.push(
        html`<pre tabindex="0">${code.map((each) => html`${each.replace(/^ {3}/, '').slice(0, 500)}\n`)}</pre>`,
      )
    } else if (/^\s*\|/.test(line)) {
      const rows = take((each) => /^\s*\|/.test(each)).filter((each) => !/^[\s|:-]+$/.test(each))
      const [head, ...rest] = rows.map(cells)
      blocks.push(
        html`<div class="scroll"><table><thead><tr>${(head ?? []).map((cell) => html`<th>${inline(cell)}</th>`)}</tr></thead><tbody>${rest.map((row) => html`<tr>${row.map((cell) => html`<td>${inline(cell)}</td>`)}</tr>`)}</tbody></table></div>`,
      )
    } else if (LIST.test(line)) {
      const isOrdered = /^\s*\d/.test(line)
      const items: string[][] = []
      for (; at < lines.length; at++) {
        const each = lines[at] ?? ''
        if (LIST.test(each)) items.push([each.replace(LIST, '')])
        else if (/^\s{2,}\S/.test(each) && !/^\s*```/.test(each)) items.at(-1)?.push(each.trim())
        else if (each.trim() !== '' || !LIST.test(lines[at + 1] ?? '')) break
      }
      const list = items.map((words) => html`<li>${inline(words.join(' '))}</li>`)
      blocks.push(isOrdered ? html`<ol>${list}</ol>` : html`<ul>${list}</ul>`)
    } else {
      const words = take(
        (each) => each.trim() !== '' && !/^(#{1,6}\s|\s*```|\s*\|)/.test(each) && !LIST.test(each),
      )
      blocks.push(html`<p>${inline(words.join(' '))}</p>`)
      if (words.length === 0) at++
    }
  }
  return html`<div class="book">${blocks}</div>`
}
