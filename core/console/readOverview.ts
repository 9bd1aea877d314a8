import { desc, ne } from 'drizzle-orm'
import { readChannelFigures } from '../alerts/index.ts'
import type { Config } from '../config/types.ts'
import type { LabelledConfig } from '../labels/index.ts'
import { type Database, tables } from '../store/index.ts'
import { readCanary } from '../vigil/index.ts'
import type { AlertView, ChainView, FailingBot, Overview, ProcessView } from './overviewTypes.ts'
import {
  countOpenAlerts,
  listAlerts,
  listExecutions,
  listFindings,
  listIncidents,
  listWaiting,
} from './queries.ts'
import { readNames } from './readNames.ts'
import { readChains, viewProcess } from './readProcesses.ts'

const DAY_MS = 86_400_000
/** A message that waits longer is worth a word (s). */
const LATE_S = 30

/** Reads everything the page shows, in short queries on indexes. */
export const readOverview = async (
  db: Database,
  config: Pick<Config, 'chains'> & LabelledConfig,
): Promise<Overview> => {
  const at = new Date()
  const since = new Date(at.getTime() - DAY_MS)
  const rows = await db.select().from(tables.processStatus)
  const [
    alerts,
    closedAlerts,
    incidents,
    findings,
    executions,
    configChanges,
    channels,
    bots,
    chains,
    counts,
    waiting,
    canary,
  ] = await Promise.all([
    listAlerts(db, { which: 'open', limit: 200 }),
    listAlerts(db, { which: 'closed', since, limit: 30 }),
    listIncidents(db, { isOpen: true, limit: 100 }),
    listFindings(db, { limit: 40 }),
    listExecutions(db, { limit: 20 }),
    db.select().from(tables.configChange).orderBy(desc(tables.configChange.seq)).limit(10),
    readChannelFigures(db),
    db.select().from(tables.botHealth).where(ne(tables.botHealth.status, 'ok')).limit(50),
    readChains(db, config, rows, at),
    countOpenAlerts(db),
    listWaiting(db),
    readCanary(db),
  ])
  const processes = rows.map((row) => viewProcess(row, at)).sort(byName)
  const failingBots = bots.map(({ botId, chainId, lastError }) => ({
    botId,
    chainId,
    error: lastError ?? '',
  }))
  const found = { alerts, processes, chains, channels, failingBots, canary }
  const reasons = listReasons(found)
  const names = await readNames(db, config, [
    ...[...alerts, ...closedAlerts].map((row) => ({ chainId: row.chainId, words: row.summary })),
    ...findings.map((row) => ({ chainId: row.chainId, words: row.description })),
    ...executions.map((row) => ({
      chainId: row.chainId,
      words: `${row.target ?? ''} ${row.reason ?? ''}`,
    })),
  ])
  return {
    at,
    names,
    verdict: counts.SEV1 + counts.SEV2 > 0 ? 'alert' : reasons.length > 0 ? 'degraded' : 'ok',
    reasons,
    counts,
    closedAlerts,
    incidents,
    findings,
    executions,
    waiting,
    configChanges,
    ...found,
  }
}

const ORDER = ['watcher', 'notifier', 'signer', 'indexer', 'console', 'intake', 'supervisor']
const byName = (a: ProcessView, b: ProcessView): number =>
  (ORDER.indexOf(a.name) + 1 || 99) - (ORDER.indexOf(b.name) + 1 || 99) ||
  (a.name < b.name ? -1 : 1)

/** `: why`, without the full stop that the sentence around it brings. */
const because = (reason: string): string => (reason ? `: ${reason.replace(/\.+$/, '')}` : '')

const listReasons = (found: {
  readonly alerts: readonly AlertView[]
  readonly processes: readonly ProcessView[]
  readonly chains: readonly ChainView[]
  readonly channels: Overview['channels']
  readonly failingBots: readonly FailingBot[]
  readonly canary: Overview['canary']
}): string[] => {
  const reasons: string[] = []
  if (found.processes.length === 0) reasons.push('No process has reported yet.')
  else if (!found.processes.some(({ name }) => name === 'notifier'))
    reasons.push('No notifier has ever reported: nobody is told of anything.')
  for (const { name, state, reason } of found.processes) {
    if (state === 'ok') continue
    const said = state === 'lost' ? 'is lost' : state === 'stopped' ? 'is stopped' : `is ${state}`
    reasons.push(`The ${name} ${said}${because(reason)}.`)
  }
  for (const { name, state, reason } of found.chains) {
    if (state === 'ok') continue
    reasons.push(`Chain ${name} is ${state.replace('_', ' ')}${because(reason)}.`)
  }
  for (const { botId, error } of found.failingBots) {
    reasons.push(`Bot ${botId} fails${because(error)}.`)
  }
  for (const [name, { pending, oldestPendingS, dead, lastError }] of Object.entries(
    found.channels,
  )) {
    const why = lastError ? ` (${lastError})` : ''
    if (dead > 0) reasons.push(`Channel ${name} refused ${dead} messages for good${why}.`)
    if (pending > 0 && oldestPendingS > LATE_S) {
      reasons.push(`Channel ${name} is ${oldestPendingS} s behind with ${pending} messages${why}.`)
    }
  }
  const { canary } = found
  if (canary && (canary.isLost || (canary.status === 'travelling' && canary.lateAt)))
    reasons.push(`The canary does not reach channel ${canary.channel}.`)
  const unknown = found.alerts.filter(({ status }) => status === 'unknown').length
  if (unknown > 0)
    reasons.push(`${unknown} conditions cannot be told: their source does not answer.`)
  return reasons
}
