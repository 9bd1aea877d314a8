import { getAddress } from 'viem/utils'
import { cleanText, type Json } from '../../base/index.ts'
import { hostedLine } from './planHosted.ts'
import type { PlannedAnswer, PlannedRoute, WatchPlan } from './planWatch.ts'

/** `{"dropBps":1000}` as `dropBps 1000`; amounts stay exact. */
export const parameterText = (value: Json, limit = 400): string => {
  const plain = (each: Json): string => {
    if (each === null || typeof each !== 'object') return String(each)
    if (Array.isArray(each)) return `[${each.map(plain).join(', ')}]`
    const tagged = each['$bigint']
    if (typeof tagged === 'string') return tagged
    const entries = Object.entries(each).map(([key, item]) => `${key} ${plain(item)}`)
    return entries.length === 0 ? '{}' : `{${entries.join(', ')}}`
  }
  const text = plain(value)
  return cleanText(text === '{}' ? 'none' : text.replace(/^\{|\}$/g, ''), limit)
}

const table = (rows: readonly (readonly string[])[], indent = '  '): readonly string[] => {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  return rows.map((row) =>
    `${indent}${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  )
}

/** Rows of the same severity and channels, joined. */
export const joinRoutes = (
  routes: readonly PlannedRoute[],
): readonly {
  readonly severity: string
  readonly owners: readonly string[]
  readonly channels: readonly string[]
}[] => {
  const joined = new Map<
    string,
    { severity: string; owners: string[]; channels: readonly string[] }
  >()
  for (const { severity, sev, owner, channels } of routes) {
    const key = `${severity} ${sev} ${channels.join()}`
    const row = joined.get(key) ?? { severity: `${severity} (${sev})`, owners: [], channels }
    row.owners.push(owner ?? 'no owner')
    joined.set(key, row)
  }
  return [...joined.values()]
}

export const answerText = (answer: PlannedAnswer): string => {
  const subject = answer.things.length > 0 ? ` on ${answer.things.join(' or ')}` : ''
  const alerts = answer.alertIds.length > 0 ? ` (${answer.alertIds.join(', ')})` : ''
  return `${answer.bots.join(' or ')}${alerts} at ${answer.minSeverity} or graver${subject}`
}

/** The plan in short: one line per thing, bot, route and answer. */
export const renderPlan = (plan: WatchPlan): readonly string[] => {
  const lines: string[] = [`${plan.name}${plan.env ? ` (environment ${plan.env})` : ''}`]
  for (const chain of plan.chains) {
    const endpoints = `${chain.endpoints} endpoint${chain.endpoints === 1 ? '' : 's'}`
    lines.push(
      '',
      `Chain ${chain.name}, id ${chain.id}, ${endpoints}${chain.webSocket ? ' with WebSocket' : ''}`,
    )
    const things = plan.things.filter((thing) => thing.chain === chain.name)
    lines.push(
      ...table(
        things.map((thing) => [
          thing.name,
          thing.variant ? `${thing.kind} (${thing.variant})` : thing.kind,
          getAddress(thing.address),
          thing.owner ?? '-',
          thing.bots.join(', ') || (thing.kind === 'label' ? '' : 'no bot'),
        ]),
      ),
    )
  }
  lines.push('', 'Bots')
  if (plan.bots.length === 0) lines.push('  none')
  for (const bot of plan.bots) {
    const state = bot.enabled
      ? `${bot.things.length} thing${bot.things.length === 1 ? '' : 's'}`
      : 'switched off'
    lines.push(`  ${bot.id} ${bot.version}, ${state}: ${parameterText(bot.parameters)}`)
    for (const [thing, parameters] of Object.entries(bot.overrides))
      lines.push(`    ${thing}: ${parameterText(parameters)}`)
  }
  if (plan.hosted.length > 0) lines.push('', 'Hosted bots', ...plan.hosted.map(hostedLine))
  lines.push('', 'Who is told')
  lines.push(
    ...table(
      joinRoutes(plan.routes).map((row) => [
        row.severity,
        row.owners.join(', '),
        row.channels.join(', ') || 'nobody',
      ]),
    ),
  )
  lines.push(...plan.specialRoutes.map((text) => `  ${text}`))
  lines.push('', 'What may act')
  if (plan.answers.length === 0) lines.push('  nothing')
  for (const answer of plan.answers)
    lines.push(
      `  ${answer.action} (${answer.mode})${answer.target ? ` at ${getAddress(answer.target)}` : ''}: ${answerText(answer)}`,
    )
  return lines
}
