import { contract, transaction } from 'ponder:schema'
import { relations } from 'drizzle-orm'
import { bigint, integer, jsonb, numeric, pgSchema, primaryKey, text } from 'drizzle-orm/pg-core'
import { epochMs } from './epochColumn.ts'

/*
 * What GraphQL shows of Tocsin's own tables, and how they hang together with what was indexed: by transaction, and by
 * the watched thing's name. A test holds the columns against the store's schema. Read only.
 */

const tocsin = pgSchema('tocsin')
const block = (name: string) => bigint(name, { mode: 'number' })

export const finding = tocsin.table('finding', {
  id: text('id').primaryKey(),
  seq: block('seq').notNull(),
  botId: text('bot_id').notNull(),
  botVersion: text('bot_version').notNull(),
  alertId: text('alert_id').notNull(),
  alertKind: text('alert_kind').notNull(),
  condition: text('condition'),
  chainId: integer('chain_id').notNull(),
  blockNumber: block('block_number').notNull(),
  blockHash: text('block_hash').notNull(),
  blockTimestampS: block('block_timestamp_s').notNull(),
  txHash: text('tx_hash'),
  uniqueKey: text('unique_key').notNull(),
  name: text('name').notNull(),
  description: text('description').notNull(),
  severity: text('severity').notNull(),
  type: text('type').notNull(),
  thing: text('thing'),
  owner: text('owner'),
  protocol: text('protocol'),
  metadata: jsonb('metadata').notNull(),
  addresses: text('addresses').array().notNull(),
  labels: jsonb('labels').notNull(),
  status: text('status').notNull(),
  createdAtMs: epochMs('created_at').notNull(),
  finalizedAtMs: epochMs('finalized_at'),
  retractedAtMs: epochMs('retracted_at'),
})

export const alert = tocsin.table('alert', {
  id: text('id').primaryKey(),
  key: text('key').notNull(),
  kind: text('kind').notNull(),
  status: text('status').notNull(),
  severity: text('severity').notNull(),
  title: text('title').notNull(),
  summary: text('summary').notNull(),
  botId: text('bot_id').notNull(),
  alertId: text('alert_id').notNull(),
  chainId: integer('chain_id').notNull(),
  thing: text('thing'),
  owner: text('owner'),
  protocol: text('protocol'),
  runbook: text('runbook'),
  incidentId: text('incident_id'),
  findingCount: integer('findings').notNull(),
  firstBlock: block('first_block').notNull(),
  lastBlock: block('last_block').notNull(),
  closedBy: text('closed_by'),
  openedAtMs: epochMs('opened_at').notNull(),
  updatedAtMs: epochMs('updated_at').notNull(),
  closedAtMs: epochMs('closed_at'),
  acknowledgedAtMs: epochMs('acknowledged_at'),
  acknowledgedBy: text('acknowledged_by'),
})

export const alertFinding = tocsin.table(
  'alert_finding',
  { alertId: text('alert_id').notNull(), findingId: text('finding_id').notNull() },
  (table) => [primaryKey({ columns: [table.alertId, table.findingId] })],
)

export const incident = tocsin.table('incident', {
  id: text('id').primaryKey(),
  subject: text('subject').notNull(),
  status: text('status').notNull(),
  severity: text('severity').notNull(),
  title: text('title').notNull(),
  owner: text('owner'),
  openedAtMs: epochMs('opened_at').notNull(),
  updatedAtMs: epochMs('updated_at').notNull(),
  closedAtMs: epochMs('closed_at'),
})

export const execution = tocsin.table('execution', {
  id: text('id').primaryKey(),
  actionId: text('action_id').notNull(),
  policyHash: text('policy_hash'),
  mode: text('mode'),
  chainId: integer('chain_id').notNull(),
  findingId: text('finding_id').notNull(),
  thing: text('thing'),
  status: text('status').notNull(),
  reasonCode: text('reason_code'),
  reason: text('reason'),
  target: text('target'),
  calldata: text('calldata'),
  signerAddress: text('signer_address'),
  txHashes: text('tx_hashes').array().notNull(),
  minedTxHash: text('mined_tx_hash'),
  minedBlock: block('mined_block'),
  feeWei: numeric('fee_wei'),
  requestedAtMs: epochMs('requested_at').notNull(),
  broadcastAtMs: epochMs('broadcast_at'),
  minedAtMs: epochMs('mined_at'),
  confirmedAtMs: epochMs('confirmed_at'),
  approvedBy: text('approved_by'),
})

export const findingRelations = relations(finding, ({ one, many }) => ({
  /** Null when no watched contract emitted anything in it. */
  transaction: one(transaction, {
    fields: [finding.chainId, finding.txHash],
    references: [transaction.chainId, transaction.hash],
  }),
  contract: one(contract, {
    fields: [finding.chainId, finding.thing],
    references: [contract.chainId, contract.name],
  }),
  alerts: many(alertFinding),
  executions: many(execution),
}))

export const alertFindingRelations = relations(alertFinding, ({ one }) => ({
  alert: one(alert, { fields: [alertFinding.alertId], references: [alert.id] }),
  finding: one(finding, { fields: [alertFinding.findingId], references: [finding.id] }),
}))

export const alertRelations = relations(alert, ({ one, many }) => ({
  findings: many(alertFinding),
  incident: one(incident, { fields: [alert.incidentId], references: [incident.id] }),
  contract: one(contract, {
    fields: [alert.chainId, alert.thing],
    references: [contract.chainId, contract.name],
  }),
}))

export const incidentRelations = relations(incident, ({ many }) => ({ alerts: many(alert) }))

export const executionRelations = relations(execution, ({ one }) => ({
  finding: one(finding, { fields: [execution.findingId], references: [finding.id] }),
  transaction: one(transaction, {
    fields: [execution.chainId, execution.minedTxHash],
    references: [transaction.chainId, transaction.hash],
  }),
  contract: one(contract, {
    fields: [execution.chainId, execution.thing],
    references: [contract.chainId, contract.name],
  }),
}))

// Further ways out of the indexed tables; drizzle adds them to those of ponder.schema.ts.
export const transactionToStored = relations(transaction, ({ many }) => ({
  findings: many(finding),
  executions: many(execution),
}))
export const contractToStored = relations(contract, ({ many }) => ({
  findings: many(finding),
  alerts: many(alert),
  executions: many(execution),
}))
