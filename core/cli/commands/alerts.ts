import { type Command, Option } from 'commander'
import { and, asc, desc, eq, inArray } from 'drizzle-orm'
import { type AlertRow, acknowledgeIncident, resolveAlert } from '../../alerts/index.ts'
import { tables } from '../../store/index.ts'
import { findWholeId } from '../findWholeId.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { parseLimit } from '../parseOptions.ts'
import { printFields, printJson, printTable } from '../printTable.ts'
import { userName } from '../userName.ts'
import { withStore } from '../withStore.ts'

type ListOptions = CommonOptions & {
  readonly all?: boolean
  readonly severity?: AlertRow['severity']
  readonly limit: number
}
type ActOptions = CommonOptions & { readonly by: string }

const stateOf = (row: AlertRow): string =>
  row.acknowledgedAt && row.status === 'open' ? 'acknowledged' : row.status

const listAlerts = (options: ListOptions): Promise<void> =>
  withStore(options, async ({ db }) => {
    const { alert } = tables
    const rows = await db
      .select()
      .from(alert)
      .where(
        and(
          options.all ? undefined : inArray(alert.status, ['open', 'unknown']),
          options.severity ? eq(alert.severity, options.severity) : undefined,
        ),
      )
      .orderBy(
        ...(options.all ? [desc(alert.openedAt)] : [asc(alert.severity), desc(alert.openedAt)]),
      )
      .limit(options.limit)
    if (options.json) return printJson(rows)
    printTable(
      rows,
      [
        { title: 'ID', of: (row) => row.id.slice(0, 14) },
        { title: 'SEV', of: (row) => row.severity },
        { title: 'STATE', of: stateOf },
        { title: 'OPENED', of: (row) => row.openedAt.toISOString() },
        { title: 'FINDINGS', of: (row) => String(row.findings) },
        { title: 'BOT', of: (row) => row.botId },
        { title: 'THING', of: (row) => row.thing ?? '-' },
        { title: 'WHAT', of: (row) => row.title, max: 100 },
      ],
      options.all ? 'No alerts.' : 'No open alerts.',
    )
  })

const showAlert = (id: string, options: CommonOptions): Promise<void> =>
  withStore(options, async (store) => {
    const { db } = store
    const whole = await findWholeId(store, 'alert', id)
    const [row] = await db.select().from(tables.alert).where(eq(tables.alert.id, whole))
    if (!row) return
    const findings = await db
      .select({
        id: tables.finding.id,
        status: tables.finding.status,
        blockNumber: tables.finding.blockNumber,
        txHash: tables.finding.txHash,
        description: tables.finding.description,
      })
      .from(tables.alertFinding)
      .innerJoin(tables.finding, eq(tables.finding.id, tables.alertFinding.findingId))
      .where(eq(tables.alertFinding.alertId, whole))
      .orderBy(desc(tables.finding.blockNumber), desc(tables.finding.seq))
      .limit(50)
    const deliveries = await db
      .select({
        dedupKey: tables.outbox.dedupKey,
        channel: tables.outbox.channel,
        status: tables.outbox.status,
        attempts: tables.outbox.attempts,
        lastError: tables.outbox.lastError,
        createdAt: tables.outbox.createdAt,
        sentAt: tables.outbox.sentAt,
      })
      .from(tables.outbox)
      .where(eq(tables.outbox.alertId, whole))
      .orderBy(asc(tables.outbox.seq))
    if (options.json) return printJson({ ...row, members: findings, deliveries })
    printFields({
      id: row.id,
      what: row.title,
      summary: row.summary,
      severity: row.severity,
      state: stateOf(row),
      incident: row.incidentId,
      bot: `${row.botId}, ${row.alertId}`,
      chain: row.chainId,
      thing: row.thing,
      owner: row.owner,
      protocol: row.protocol,
      blocks: `${row.firstBlock} to ${row.lastBlock}`,
      opened: row.openedAt.toISOString(),
      acknowledged:
        row.acknowledgedAt && `${row.acknowledgedAt.toISOString()} by ${row.acknowledgedBy}`,
      closed: row.closedAt && `${row.closedAt.toISOString()} (${row.closedBy ?? row.status})`,
      runbook: row.runbook,
    })
    process.stdout.write('\n')
    printTable(
      findings,
      [
        { title: 'FINDING', of: (each) => each.id.slice(0, 12) },
        { title: 'STATUS', of: (each) => each.status },
        { title: 'BLOCK', of: (each) => String(each.blockNumber) },
        { title: 'TRANSACTION', of: (each) => each.txHash ?? '-', max: 66 },
        { title: 'DESCRIPTION', of: (each) => each.description, max: 120 },
      ],
      'No findings.',
    )
    process.stdout.write('\n')
    printTable(
      deliveries,
      [
        { title: 'TOLD', of: (each) => each.dedupKey.split('.')[1] ?? '' },
        { title: 'CHANNEL', of: (each) => each.channel },
        { title: 'DELIVERY', of: (each) => each.status },
        { title: 'ATTEMPTS', of: (each) => String(each.attempts) },
        { title: 'AT', of: (each) => (each.sentAt ?? each.createdAt).toISOString() },
        { title: 'ERROR', of: (each) => each.lastError ?? '', max: 120 },
      ],
      'Nobody was told.',
    )
  })

const acknowledge = (id: string, options: ActOptions): Promise<void> =>
  withStore(options, async (store) => {
    const result = await acknowledgeIncident(store.db, {
      alertId: await findWholeId(store, 'alert', id),
      by: options.by,
      via: 'cli',
    })
    if (options.json) printJson(result)
    else process.stdout.write(`${result.text}\n`)
    if (!result.accepted) process.exitCode = 1
  })

const resolve = (id: string, options: ActOptions): Promise<void> =>
  withStore(options, async (store, config) => {
    const row = await resolveAlert({
      db: store.db,
      config,
      id: await findWholeId(store, 'alert', id),
      by: options.by,
    })
    if (options.json) return printJson(row)
    process.stdout.write(`${row.id} is resolved. Its channels are told.\n`)
  })

/** `tocsin alerts`: what people are told of. */
export const register = (program: Command): void => {
  const alerts = program.command('alerts').description('what people are told of')
  const withBy = (command: Command): Command =>
    command.option('--by <name>', 'who does it', userName())
  withCommonOptions(
    alerts
      .command('list', { isDefault: true })
      .description('open alerts, gravest first')
      .option('-a, --all', 'closed ones too, newest first')
      .addOption(
        new Option('--severity <sev>', 'of one severity').choices(['SEV1', 'SEV2', 'SEV3', 'SEV4']),
      )
      .option('--limit <n>', 'at most so many', parseLimit, 50),
  ).action(listAlerts)
  withCommonOptions(
    alerts.command('show <id>').description('one alert, its findings and who was told'),
  ).action(showAlert)
  withCommonOptions(
    withBy(
      alerts.command('ack <id>').description('take its whole incident in hand: it stays open'),
    ),
  ).action(acknowledge)
  withCommonOptions(
    withBy(alerts.command('resolve <id>').description('close it and tell its channels')),
  ).action(resolve)
  alerts.addHelpText(
    'after',
    `
Examples:
  $ tocsin alerts
  $ tocsin alerts show a_4f2e9c
  $ tocsin alerts ack a_4f2e9c --by ada
  $ tocsin alerts list --all --json | jq 'group_by(.severity) | map({(.[0].severity): length}) | add'`,
  )
}
