import { type Command, Option } from 'commander'
import { and, desc, eq, gte, type SQL } from 'drizzle-orm'
import { cleanText, TocsinError } from '../../base/index.ts'
import { tables } from '../../store/index.ts'
import { openStore } from '../openStore.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { parseLimit, parseSince } from '../parseOptions.ts'
import { printFields, printJson, printTable } from '../printTable.ts'

type ListOptions = CommonOptions & {
  readonly bot?: string
  readonly severity?: string
  readonly status?: (typeof tables.finding.$inferSelect)['status']
  readonly since?: Date
  readonly limit: number
}

const listFindings = async (options: ListOptions): Promise<void> => {
  const { store, config, close } = await openStore(options)
  try {
    const { finding } = tables
    const conditions: (SQL | undefined)[] = [
      options.bot ? eq(finding.botId, options.bot) : undefined,
      options.severity ? eq(finding.severity, options.severity) : undefined,
      options.status ? eq(finding.status, options.status) : undefined,
      options.since ? gte(finding.createdAt, options.since) : undefined,
    ]
    const rows = await store.db
      .select()
      .from(finding)
      .where(and(...conditions))
      .orderBy(desc(finding.seq))
      .limit(options.limit)
    if (options.json) return printJson(rows)
    const chainName = (id: number): string =>
      config.chains.find((chain) => chain.id === id)?.name ?? String(id)
    printTable(
      rows,
      [
        { title: 'ID', of: (row) => row.id.slice(0, 12) },
        { title: 'TIME', of: (row) => row.createdAt.toISOString() },
        { title: 'SEVERITY', of: (row) => row.severity },
        { title: 'STATUS', of: (row) => row.status },
        { title: 'CHAIN', of: (row) => chainName(row.chainId) },
        { title: 'BLOCK', of: (row) => String(row.blockNumber) },
        { title: 'BOT', of: (row) => row.botId },
        { title: 'THING', of: (row) => row.thing ?? '-' },
        { title: 'WHAT', of: (row) => row.name, max: 100 },
      ],
      'No findings.',
    )
  } finally {
    await close()
  }
}

const showFinding = async (id: string, options: CommonOptions): Promise<void> => {
  const { store, close } = await openStore(options)
  try {
    if (!/^[0-9a-f]{6,64}$/.test(id)) throw unknownFinding(id)
    const { rows } = await store.pool.query<{ id: string }>(
      'select id from tocsin.finding where starts_with(id, $1) limit 2',
      [id],
    )
    if (rows.length > 1) {
      throw new TocsinError('finding.ambiguous', `Several findings begin with "${id}".`)
    }
    const [row] = await store.db
      .select()
      .from(tables.finding)
      .where(eq(tables.finding.id, rows[0]?.id ?? ''))
    if (!row) throw unknownFinding(id)
    const alerts = await store.db
      .select({ id: tables.alertFinding.alertId })
      .from(tables.alertFinding)
      .where(eq(tables.alertFinding.findingId, row.id))
    if (options.json) return printJson({ ...row, alerts: alerts.map((alert) => alert.id) })
    printFields({
      id: row.id,
      what: row.name,
      description: row.description,
      severity: `${row.severity} (${row.type})`,
      status: row.status,
      condition: row.condition,
      bot: `${row.botId} ${row.botVersion}, ${row.alertId}`,
      chain: row.chainId,
      block: `${row.blockNumber} ${row.blockHash}`,
      transaction: row.txHash,
      thing: row.thing,
      owner: row.owner,
      protocol: row.protocol,
      addresses: row.addresses.join(' '),
      found: row.createdAt.toISOString(),
      latency: row.latencyMs === null ? null : `${Math.round(row.latencyMs)} ms`,
      final: row.finalizedAt?.toISOString(),
      retracted: row.retractedAt?.toISOString(),
      alerts: alerts.map((alert) => alert.id).join(' '),
      ...Object.fromEntries(
        Object.entries(row.metadata).map(([name, value]) => [`  ${cleanText(name, 60)}`, value]),
      ),
    })
  } finally {
    await close()
  }
}

const unknownFinding = (id: string): TocsinError =>
  new TocsinError('finding.unknown', `There is no finding "${cleanText(id, 70)}".`, {
    hints: ['`tocsin findings` shows them; the first characters of an id are enough.'],
  })

/** `tocsin findings`: what the bots found. */
export const register = (program: Command): void => {
  const findings = program.command('findings').description('what the bots found')
  withCommonOptions(
    findings
      .command('list', { isDefault: true })
      .description('newest first')
      .option('--bot <id>', 'of one bot')
      .addOption(
        new Option('--severity <severity>', 'of one severity').choices([
          'Critical',
          'High',
          'Medium',
          'Low',
          'Info',
        ]),
      )
      .addOption(
        new Option('--status <status>', 'of one status').choices([
          'provisional',
          'final',
          'retracted',
          'pending',
          'landed',
          'dropped',
        ]),
      )
      .option('--since <when>', 'found since: 30m, 2h, 7d ago, or an ISO date', parseSince)
      .option('--limit <n>', 'at most so many', parseLimit, 50),
  ).action(listFindings)
  withCommonOptions(
    findings.command('show <id>').description('all that is known of one; part of the id will do'),
  ).action(showFinding)
  findings.addHelpText(
    'after',
    `
Examples:
  $ tocsin findings --severity Critical --since 2h
  $ tocsin findings --bot tvl-drop --json | jq '.[0].metadata'
  $ tocsin findings show 3fa9c0d1e2b4`,
  )
}
