import type { Command } from 'commander'
import { desc, inArray, sql } from 'drizzle-orm'
import { viewCrossCheck } from '../../crosscheck/index.ts'
import { type Store, tables } from '../../store/index.ts'
import { HEARTBEAT_MS } from '../../telemetry/index.ts'
import { EXIT } from '../exitCodes.ts'
import { openStore } from '../openStore.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'

/** A process that was silent for so long is taken for lost (ms). */
const LOST_AFTER_MS = 5 * HEARTBEAT_MS

const readStatus = async (store: Store) => {
  const { db } = store
  const [processes, chains, checks, bots, alerts, executions] = await Promise.all([
    db.select().from(tables.processStatus).orderBy(tables.processStatus.name),
    db.select().from(tables.chainCursor).orderBy(tables.chainCursor.chainName),
    db.select().from(tables.crossCheck),
    db.select().from(tables.botHealth).orderBy(tables.botHealth.botId),
    db
      .select({ severity: tables.alert.severity, count: sql<number>`count(*)::int` })
      .from(tables.alert)
      .where(inArray(tables.alert.status, ['open', 'unknown']))
      .groupBy(tables.alert.severity)
      .orderBy(tables.alert.severity),
    db.select().from(tables.execution).orderBy(desc(tables.execution.requestedAt)).limit(5),
  ])
  const now = Date.now()
  return {
    processes: processes.map((row) => {
      const silentMs = now - row.heartbeatAt.getTime()
      const lost = row.status !== 'stopped' && silentMs > LOST_AFTER_MS
      return { ...row, silentMs, status: lost ? 'lost' : row.status }
    }),
    chains: chains.map((row) => {
      const check = checks.find(({ chainId }) => chainId === row.chainId)
      return { ...row, crossCheck: check ? viewCrossCheck(check, new Date(now)) : null }
    }),
    bots,
    alerts,
    executions,
  }
}

type Status = Awaited<ReturnType<typeof readStatus>>

const isWell = (status: Status): boolean =>
  status.processes.length > 0 &&
  status.processes.every((row) => row.status === 'ok') &&
  status.bots.every((bot) => bot.status === 'ok')

const print = (status: Status): void => {
  const line = (text: string): void => void process.stdout.write(`${text}\n`)
  line('Processes')
  for (const row of status.processes)
    line(
      `  ${row.name.padEnd(11)}${row.status.padEnd(10)}pid ${String(row.pid).padEnd(8)}${row.reason}`,
    )
  if (status.processes.length === 0) line('  none has run yet: `tocsin start`')
  line('Chains')
  for (const row of status.chains) {
    const behind =
      row.head === null ? 'head unknown' : `${Math.max(0, row.head - row.number)} behind the head`
    line(
      `  ${row.chainName.padEnd(11)}block ${row.number}, ${behind}, final ${row.finalized ?? 'unknown'}`,
    )
    if (row.crossCheck) line(`  ${''.padEnd(11)}cross-check ${row.crossCheck.text}`)
  }
  const failing = status.bots.filter((bot) => bot.status === 'failing')
  const out = status.bots.filter((bot) => bot.status === 'disabled')
  const inQuarantine = out.length > 0 ? `, ${out.length} in quarantine` : ''
  line(`Bots\n  ${status.bots.length - out.length} run, ${failing.length} failing${inQuarantine}`)
  for (const bot of out)
    line(`  ${bot.botId}: ${bot.lastError ?? ''} (\`tocsin bots release ${bot.botId}\`)`)
  for (const bot of failing)
    line(`  ${bot.botId}: ${bot.lastError ?? ''} (block ${bot.lastErrorBlock})`)
  const open = status.alerts.map(({ severity, count }) => `${count} ${severity}`).join(', ')
  line(`Open alerts\n  ${open || 'none'}`)
  line('Last executions')
  for (const row of status.executions)
    line(`  ${row.requestedAt.toISOString()}  ${row.actionId}  ${row.status}  ${row.reason ?? ''}`)
  if (status.executions.length === 0) line('  none')
}

/** `tocsin status`: exit code 0 only when every process, chain and bot is well. */
export const register = (program: Command): void => {
  withCommonOptions(program.command('status'))
    .description('processes, chains, bots, open alerts and executions at a glance')
    .addHelpText(
      'after',
      '\nExit codes: 0 all is well, 1 something is not.\n\nExamples:\n  $ tocsin status\n  $ tocsin status --json | jq .chains',
    )
    .action(async (options: CommonOptions) => {
      const { store, close } = await openStore(options)
      try {
        const status = await readStatus(store)
        if (options.json) process.stdout.write(`${JSON.stringify(status, null, 2)}\n`)
        else print(status)
        process.exitCode = isWell(status) ? EXIT.ok : EXIT.failed
      } finally {
        await close()
      }
    })
}
