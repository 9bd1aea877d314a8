/** The query page's own script: runs a query, shows rows as a table, and reads the schema. Text only: no markup of answers. */
export const QUERY_SCRIPT = `
;(() => {
const examples = JSON.parse(byId('examples').textContent)
const make = (name, text, parent, cls) => { const e = document.createElement(name); if (text !== undefined) e.textContent = text; if (cls) e.className = cls; parent?.append(e); return e }
let last, json = false
const ask = async (body) => {
  const answer = await fetch('/graphql', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const text = await answer.text()
  try { return JSON.parse(text) } catch { return { errors: [{ message: 'HTTP ' + answer.status + ': ' + text.slice(0, 200) }] } }
}
const rowsOf = (value) => {
  if (!value || typeof value !== 'object') return
  if (Array.isArray(value)) return value.length && value.every((v) => v && typeof v === 'object') ? value : undefined
  if (Array.isArray(value.items)) return value.items
  for (const each of Object.values(value)) { const rows = rowsOf(each); if (rows) return rows }
}
const show = () => {
  const place = byId('result')
  place.replaceChildren()
  if (!last) return
  if (last.errors) for (const e of last.errors.slice(0, 10)) make('p', e.message, place, 'none')
  const rows = json ? undefined : rowsOf(last.data)
  if (!rows || !rows.length) { if (last.data !== undefined) make('pre', JSON.stringify(last.data, null, 2).slice(0, 400000), place); return }
  const names = [...new Set(rows.slice(0, 200).flatMap((row) => Object.keys(row)))].slice(0, 30)
  const table = make('table', undefined, place), head = make('tr', undefined, make('thead', undefined, table)), body = make('tbody', undefined, table)
  for (const name of names) make('th', name, head)
  for (const row of rows.slice(0, 1000)) {
    const tr = make('tr', undefined, body)
    for (const name of names) { const v = row[name]; make('bdi', v === null || v === undefined ? '' : typeof v === 'object' ? JSON.stringify(v).slice(0, 300) : String(v).slice(0, 300), make('td', undefined, tr)) }
  }
}
const run = async () => {
  byId('took').textContent = 'asking …'
  const start = performance.now()
  let variables = {}
  try { variables = JSON.parse(byId('variables').value.trim() || '{}') } catch { byId('took').textContent = 'The variables are no JSON.'; return }
  last = await ask({ query: byId('query').value, variables })
  byId('took').textContent = Math.round(performance.now() - start) + ' ms'
  show()
}
const named = (type) => type ? (type.kind === 'NON_NULL' ? named(type.ofType) + '!' : type.kind === 'LIST' ? '[' + named(type.ofType) + ']' : type.name) : ''
let types = []
const list = () => {
  const wanted = byId('find').value.trim().toLowerCase(), place = byId('schema')
  place.replaceChildren()
  const shown = types.filter((t) => !wanted || t.name.toLowerCase().includes(wanted) || t.fields.some((f) => f.name.toLowerCase().includes(wanted))).slice(0, 60)
  if (!shown.length) make('p', 'Nothing is called so.', place, 'none')
  for (const type of shown) {
    const box = make('details', undefined, place)
    make('summary', type.name + ' (' + type.fields.length + ')', box)
    const ul = make('ul', undefined, box, 'path')
    for (const f of type.fields) { const li = make('li', undefined, ul); make('code', f.name, li); make('span', ' ' + named(f.type), li, 'mute') }
  }
}
byId('run').addEventListener('click', run)
byId('as').addEventListener('click', () => { json = !json; byId('as').setAttribute('aria-pressed', String(json)); byId('as').textContent = json ? 'As table' : 'As JSON'; show() })
byId('query').addEventListener('keydown', (e) => { if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) { e.preventDefault(); run() } })
byId('example').addEventListener('change', (e) => { const x = examples[Number(e.target.value)]; byId('query').value = x.query; byId('variables').value = x.variables })
byId('find').addEventListener('input', list)
ask({ query: '{ __schema { queryType { name } types { kind name fields { name type { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } }' }).then((answer) => {
  const schema = answer.data?.__schema
  if (!schema) { byId('schema').replaceChildren(); make('p', answer.errors?.[0]?.message ?? 'The schema cannot be read.', byId('schema'), 'none'); return }
  types = schema.types.filter((t) => t.kind === 'OBJECT' && !t.name.startsWith('__') && !/(Page|PageInfo|Meta)$/.test(t.name)).sort((a, b) => (b.name === schema.queryType.name) - (a.name === schema.queryType.name) || a.name.localeCompare(b.name))
  byId('schema-state').textContent = types.length + ' types'
  list()
})
})()
`
