import type { Sev } from '../../base/index.ts'
import { html, type Markup } from '../../console/light.ts'
import type { BotReport, SetReport } from './setTally.ts'

type Bins = SetReport['bins']

const SEVERITIES: readonly Sev[] = ['SEV1', 'SEV2', 'SEV3', 'SEV4']

/** A round number at or above, such that a scale of four steps reads well. */
const niceTop = (value: number): number => {
  if (value <= 4) return 4
  const power = 10 ** Math.floor(Math.log10(value))
  const step = [1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10].find((one) => one * power >= value) ?? 10
  return Math.ceil((step * power) / 4) * 4
}

const grouped = (value: number): string => value.toLocaleString('en-US')
const px = (value: number): string => String(Math.round(value * 100) / 100)
const sumOf = (bin: Bins[number] | undefined): number =>
  bin ? SEVERITIES.reduce((sum, sev) => sum + bin[sev], 0) : 0

type Range = { readonly from: number; readonly to: number }
type Mark = { readonly name: string; readonly from: number; readonly to: number }

const LEFT = 44
const RIGHT = 8

/** Findings by part of the range, the gravest at the axis; a second set hangs below it. */
export const plotFindings = (
  bins: Bins,
  other: Bins | undefined,
  range: Range,
  marks: readonly Mark[],
): Markup => {
  const [width, half, top] = [1_080, other ? 120 : 170, 16]
  const inner = width - LEFT - RIGHT
  const scale = niceTop(Math.max(1, ...bins.map(sumOf), ...(other ?? []).map(sumOf)))
  const zero = top + half
  const bottom = other ? zero + half : zero
  const height = bottom + 24
  const step = inner / bins.length
  const blocks = range.to - range.from + 1
  const xOf = (block: number): number => LEFT + ((block - range.from) / blocks) * inner
  const blockOf = (index: number): number => range.from + Math.floor((index / bins.length) * blocks)
  const bars = (all: Bins, sign: 1 | -1): readonly Markup[] =>
    all.flatMap((bin, index) => {
      let at = 0
      return SEVERITIES.flatMap((sev) => {
        const count = bin[sev]
        if (count === 0) return []
        const size = Math.max(1.5, (count / scale) * half)
        const y = sign === 1 ? zero - at - size : zero + at
        at += size
        return html`<rect class="${sev}" x="${px(LEFT + index * step + 0.5)}" y="${px(y)}" width="${px(Math.max(1, step - 1))}" height="${px(size)}"><title>${grouped(count)} ${sev} from block ${blockOf(index)}</title></rect>`
      })
    })
  const lines = [0, 1, 2, 3, 4].flatMap((tick) => {
    const value = (scale / 4) * tick
    const offset = (value / scale) * half
    return [
      ...(tick === 0 ? [] : [{ y: zero - offset, value }]),
      ...(other && tick > 0 ? [{ y: zero + offset, value }] : []),
    ]
  })
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) =>
    Math.round(range.from + share * (blocks - 1)),
  )
  return html`<svg class="plot" viewBox="0 0 ${width} ${height}" role="img" aria-label="Findings over the range of blocks">
${marks.map(({ name, from, to }) => {
  const x = Math.max(LEFT, xOf(from))
  const end = Math.min(width - RIGHT, xOf(to + 1))
  return html`<rect class="band" x="${px(x)}" y="${top}" width="${px(Math.max(3, end - x))}" height="${bottom - top}"><title>${name}</title></rect><path class="mark" d="M${px(x - 4)} 3h8l-4 8z"><title>${name}</title></path>`
})}
${lines.map(({ y, value }) => html`<line class="grid" x1="${LEFT}" x2="${width - RIGHT}" y1="${px(y)}" y2="${px(y)}"/><text x="${LEFT - 8}" y="${px(y + 4)}" text-anchor="end">${grouped(value)}</text>`)}
${bars(bins, 1)}${other ? bars(other, -1) : ''}
<line class="axis" x1="${LEFT}" x2="${width - RIGHT}" y1="${zero}" y2="${zero}"/><text x="${LEFT - 8}" y="${zero + 4}" text-anchor="end">0</text>
${ticks.map((block, at) => html`<text x="${px(xOf(block))}" y="${height - 6}" text-anchor="${at === 0 ? 'start' : at === 4 ? 'end' : 'middle'}">${grouped(block)}</text>`)}
</svg>`
}

const DAY_MS = 86_400_000
/** Most columns that can still be told apart. */
const MOST_COLUMNS = 42

/** Pages by bot and day; with many days a column holds several of them. */
export const plotPages = (
  bots: readonly BotReport[],
  since: string | undefined,
  until: string | undefined,
): Markup => {
  const start = Date.parse((since ?? '1970-01-01').slice(0, 10))
  const end = Date.parse((until ?? '1970-01-01').slice(0, 10))
  const days = Math.round((end - start) / DAY_MS) + 1
  const span = Math.ceil(days / MOST_COLUMNS)
  const columns = Math.ceil(days / span)
  const rows = bots
    .filter(({ findings }) => findings > 0)
    .map(({ bot, days: byDay, pages }) => {
      const counts = Array.from({ length: columns }, () => 0)
      for (const [day, count] of Object.entries(byDay)) {
        const at = Math.floor((Date.parse(day) - start) / DAY_MS / span)
        counts[at] = (counts[at] ?? 0) + count
      }
      return { bot, counts, pages }
    })
  if (rows.length === 0) return html`<p class="mute">No bot found anything.</p>`
  const most = Math.max(1, ...rows.flatMap(({ counts }) => counts))
  const [width, names, row, last] = [680, 128, 26, 36]
  const step = Math.min(52, (width - names - last) / columns)
  const height = rows.length * row + 26
  const heat = (count: number): string =>
    count === 0 ? 'zero' : `h${Math.max(1, Math.ceil((count / most) * 5))}`
  const labelEvery = Math.max(1, Math.ceil(78 / step))
  const dayOf = (column: number): string =>
    new Date(start + column * span * DAY_MS).toISOString().slice(0, 10)
  return html`<svg class="plot" viewBox="0 0 ${width} ${height}" role="img" aria-label="Pages per day and bot">
${rows.map(
  ({ bot, counts, pages }, at) => html`<text class="strong" x="0" y="${at * row + 17}">${bot}</text>
${counts.map(
  (count, column) =>
    html`<rect class="cell ${heat(count)}" x="${px(names + column * step)}" y="${at * row + 1}" width="${px(step)}" height="${row - 2}" rx="3"><title>${bot}, ${dayOf(column)}${span > 1 ? ` and ${span - 1} more` : ''}: ${count}</title></rect>${count > 0 && step >= 22 ? html`<text class="${count / most > 0.4 ? 'on' : 'strong'}" x="${px(names + column * step + step / 2)}" y="${at * row + 17}" text-anchor="middle">${count}</text>` : ''}`,
)}
<text class="strong" x="${px(names + columns * step + 12)}" y="${at * row + 17}">${pages}</text>`,
)}
${Array.from({ length: Math.ceil(columns / labelEvery) }, (_, at) => at * labelEvery).map(
  (column) =>
    html`<text x="${px(names + column * step + 2)}" y="${height - 6}">${dayOf(column)}</text>`,
)}
</svg>`
}

const BUCKETS: readonly (readonly [string, number])[] = [
  ['early', -1],
  ['0', 0],
  ['1', 1],
  ['2', 2],
  ['3–5', 5],
  ['6–10', 10],
  ['11–25', 25],
  ['26–100', 100],
  ['101–300', 300],
  ['later', Number.POSITIVE_INFINITY],
]

/** How many blocks it took, as a histogram. */
export const plotDelays = (delays: readonly (readonly [number, number])[]): Markup => {
  const counts = BUCKETS.map(() => 0)
  for (const [delay, count] of delays) {
    const at = BUCKETS.findIndex(([, upTo]) => delay <= upTo)
    counts[at] = (counts[at] ?? 0) + count
  }
  const shown = BUCKETS.map(([name], at) => ({ name, count: counts[at] ?? 0 })).filter(
    ({ name, count }) => name !== 'early' || count > 0,
  )
  const total = shown.reduce((sum, { count }) => sum + count, 0)
  if (total === 0) return html`<p class="mute">Nothing was found, so nothing was late.</p>`
  const [width, row, names, last] = [420, 22, 62, 56]
  const most = Math.max(...shown.map(({ count }) => count))
  const inner = width - names - last
  return html`<svg class="plot small" viewBox="0 0 ${width} ${shown.length * row + 4}" role="img" aria-label="Blocks until detection">
${shown.map(
  ({ name, count }, at) =>
    html`<text x="${names - 10}" y="${at * row + 15}" text-anchor="end">${name}</text><rect class="zero" x="${names}" y="${at * row + 3}" width="${inner}" height="${row - 6}" rx="3"/>${count > 0 ? html`<rect class="bar" x="${names}" y="${at * row + 3}" width="${px(Math.max(3, (count / most) * inner))}" height="${row - 6}" rx="3"/>` : ''}<text class="${count > 0 ? 'strong' : ''}" x="${width - last + 8}" y="${at * row + 15}">${count}</text>`,
)}
</svg>`
}
