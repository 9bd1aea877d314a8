/**
 * What is set before the first paint: the theme that somebody chose here. Light or dark as the system says otherwise.
 */
export const THEME_SCRIPT = `try{const t=localStorage.getItem('tocsin-theme');if(t==='dark'||t==='light')document.documentElement.dataset.theme=t}catch{}`

/**
 * The pages' only script: takes sections as the server rendered them (and escaped what is in them), keeps ages
 * running, says when nothing was heard for ten seconds, copies, and listens to the keyboard. Without it each page is a
 * snapshot, and every form works.
 */
export const SCRIPT = `
'use strict'
const byId = (id) => document.getElementById(id)
const all = (what) => [...document.querySelectorAll(what)]
let heard = Date.now(), drift = 0
const age = (ms) => {
  const s = Math.max(0, Math.round(ms / 1000))
  if (s < 2) return 'now'
  if (s < 60) return s + ' s'
  if (s < 3600) return Math.floor(s / 60) + ' min'
  if (s < 86400) return Math.floor(s / 3600) + ' h ' + Math.floor(s % 3600 / 60) + ' min'
  return Math.floor(s / 86400) + ' d ' + Math.floor(s % 86400 / 3600) + ' h'
}
const left = (ms) => ms <= 0 ? 'over' : age(ms) + ' left'
const tick = () => {
  const now = Date.now() + drift
  for (const t of all('time[data-age]')) {
    const passed = now - Date.parse(t.dateTime), kind = t.dataset.age
    const text = kind === 'left' ? left(-passed) : age(passed) + (kind === 'ago' && passed >= 1500 ? ' ago' : '')
    if (t.textContent !== text) t.textContent = text
  }
  byId('clock').textContent = new Date(now).toISOString().slice(11, 19) + ' UTC'
  if (!document.body.dataset.live) return
  const silent = Date.now() - heard
  const lost = silent > 10000
  byId('lost').hidden = !lost
  byId('live-dot').className = 'dot ' + (lost ? 'bad' : 'ok')
  byId('live-text').textContent = lost ? 'not connected' : 'live'
  if (lost) byId('lost-age').textContent = age(silent)
}
const put = (place, markup) => {
  const open = new Set([...place.querySelectorAll('details[open]')].map((d) => d.id))
  const focused = place.contains(document.activeElement) ? document.activeElement.id || document.activeElement.getAttribute('href') : ''
  place.innerHTML = markup
  for (const d of place.querySelectorAll('details')) if (d.id && open.has(d.id)) d.open = true
  if (focused) (byId(focused) || place.querySelector('[href="' + CSS.escape(focused) + '"]'))?.focus()
}
const badge = (name, n) => { for (const b of all('[data-badge="' + name + '"]')) { b.textContent = n; b.hidden = !n } }
const still = (markup) => markup.replace(/(<time\\b[^>]*>)[^<]*/g, '$1')
let busy = false, again = false
const refresh = async () => {
  if (busy) { again = true; return }
  busy = true
  try {
    const answer = await fetch(location.href, { headers: { accept: 'text/html' }, redirect: 'error' })
    if (answer.ok) {
      const text = await answer.text()
      const next = new DOMParser().parseFromString(text.slice(text.indexOf('<main'), text.lastIndexOf('</main>') + 7), 'text/html')
      for (const place of all('[data-part]')) {
        const fresh = next.querySelector('[data-part="' + place.dataset.part + '"]')
        const typing = place.contains(document.activeElement) && /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)
        if (fresh && !typing && still(fresh.innerHTML) !== still(place.innerHTML)) put(place, fresh.innerHTML)
      }
      tick()
    }
  } catch {}
  busy = false
  if (again) { again = false; setTimeout(refresh, 500) }
}
const listen = (of) => {
  const source = new EventSource('/api/events' + (of === 'overview' ? '' : '?of=pulse'))
  const hear = (event) => {
    heard = Date.now()
    const data = JSON.parse(event.data)
    drift = data.at - Date.now()
    badge('alerts', data.open)
    badge('waiting', data.waiting)
    return data
  }
  source.addEventListener('page', (event) => {
    const { title, sections } = hear(event)
    document.title = title
    for (const id of Object.keys(sections)) { const place = byId(id); if (place) put(place, sections[id]) }
    tick()
  })
  source.addEventListener('pulse', (event) => { if (hear(event).changed) refresh(); tick() })
  source.addEventListener('error', () => {
    if (source.readyState === EventSource.CLOSED) { source.close(); setTimeout(() => listen(of), 3000) }
  })
}
const copyText = async (text) => {
  try { await navigator.clipboard.writeText(text) } catch {
    const area = document.createElement('textarea')
    area.value = text; document.body.append(area); area.select(); document.execCommand('copy'); area.remove()
  }
}
const theme = () => {
  const dark = document.documentElement.dataset.theme ? document.documentElement.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme:dark)').matches
  document.documentElement.dataset.theme = dark ? 'light' : 'dark'
  try { localStorage.setItem('tocsin-theme', document.documentElement.dataset.theme) } catch {}
}
const help = () => { const d = byId('help'); if (d && !d.open) d.showModal() }
document.addEventListener('click', (event) => {
  const button = event.target.closest('button')
  if (!button) return
  if (button.dataset.copy !== undefined) {
    copyText(button.dataset.copy)
    button.classList.add('done'); byId('said').textContent = 'Copied.'
    setTimeout(() => button.classList.remove('done'), 1200)
  } else if (button.id === 'theme') theme()
  else if (button.id === 'keys') help()
})
document.addEventListener('change', (event) => { if (event.target.matches('select[data-go]')) event.target.form.requestSubmit() })
document.addEventListener('submit', (event) => {
  // Links to a filtered list are short: what was left empty is not in them.
  if (event.target.method === 'get') for (const f of event.target.elements) if (f.name && !f.value) f.disabled = true
})
let going = 0
const step = (by) => {
  const rows = all('[data-row] a[data-open],[data-row] .title a').filter((a) => a.offsetParent)
  if (!rows.length) return
  const at = rows.findIndex((a) => a === document.activeElement)
  rows[Math.min(rows.length - 1, Math.max(0, at < 0 ? 0 : at + by))].focus()
}
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input,textarea,select,dialog')) return
  const key = event.key
  if (Date.now() - going < 1500) {
    going = 0
    const link = document.querySelector('nav.pages a[data-key="' + CSS.escape(key) + '"]')
    if (link) { location.href = link.href; event.preventDefault() }
    return
  }
  if (key === 'j') step(1)
  else if (key === 'k') step(-1)
  else if (key === 'a') document.querySelector('[data-act=acknowledge]')?.focus()
  else if (key === 'p') document.querySelector('[data-act=approve]')?.focus()
  else if (key === '/') { const f = document.querySelector('.filters input'); if (!f) return; const d = f.closest('details'); if (d) d.open = true; f.focus() }
  else if (key === 't') theme()
  else if (key === 'g') going = Date.now()
  else if (key === '?') help()
  else return
  event.preventDefault()
})
// On a telephone a filter that nobody used leaves the place to what it would filter.
if (innerWidth <= 640) for (const d of all('details[data-fold]')) d.open = d.dataset.fold === 'asked'
drift = Number(document.body.dataset.at) - Date.now()
tick()
setInterval(tick, 1000)
if (document.body.dataset.live) listen(document.body.dataset.live)
`
