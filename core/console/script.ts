/**
 * The page's only script: takes sections as the server rendered them (and escaped what is in them), keeps ages
 * running, and says when nothing was heard for ten seconds. Without it the page is a snapshot.
 */
export const SCRIPT = `
'use strict'
const byId = (id) => document.getElementById(id)
let heard = Date.now(), drift = 0
const age = (ms) => {
  const s = Math.max(0, Math.round(ms / 1000))
  if (s < 2) return 'now'
  if (s < 60) return s + ' s'
  if (s < 3600) return Math.floor(s / 60) + ' min'
  if (s < 86400) return Math.floor(s / 3600) + ' h ' + Math.floor(s % 3600 / 60) + ' min'
  return Math.floor(s / 86400) + ' d ' + Math.floor(s % 86400 / 3600) + ' h'
}
const tick = () => {
  const now = Date.now() + drift
  for (const t of document.querySelectorAll('time[data-age]')) {
    const text = age(now - Date.parse(t.dateTime)) + (t.dataset.age === 'ago' && now - Date.parse(t.dateTime) >= 1500 ? ' ago' : '')
    if (t.textContent !== text) t.textContent = text
  }
  byId('clock').textContent = new Date(now).toISOString().slice(11, 19) + ' UTC'
  const silent = Date.now() - heard
  const lost = silent > 10000
  byId('lost').hidden = !lost
  byId('live-dot').className = 'dot ' + (lost ? 'bad' : 'ok')
  byId('live-text').textContent = lost ? 'not connected' : 'live'
  if (lost) byId('lost-age').textContent = age(silent)
}
const put = (id, markup) => {
  const place = byId(id)
  if (!place) return
  const open = new Set([...place.querySelectorAll('details[open]')].map((d) => d.id))
  place.innerHTML = markup
  for (const d of place.querySelectorAll('details')) if (open.has(d.id)) d.open = true
}
const listen = () => {
  const source = new EventSource('api/events')
  source.addEventListener('page', (event) => {
    heard = Date.now()
    const { at, title, sections } = JSON.parse(event.data)
    drift = at - Date.now()
    document.title = title
    for (const id of Object.keys(sections)) put(id, sections[id])
    tick()
  })
  source.addEventListener('error', () => {
    if (source.readyState === EventSource.CLOSED) { source.close(); setTimeout(listen, 3000) }
  })
}
drift = Number(document.body.dataset.at) - Date.now()
tick()
setInterval(tick, 1000)
listen()
`
