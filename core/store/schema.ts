import { sql } from 'drizzle-orm'
import {
  bigint,
  bigserial,
  boolean,
  doublePrecision,
  index,
  integer,
  jsonb,
  numeric,
  primaryKey,
  text,
  uniqueIndex,
} from 'drizzle-orm/pg-core'
import type { Json } from '../base/index.ts'
import { at, block, tocsin } from './schema/columns.ts'

export * from './schema/console.ts'
export * from './schema/incidents.ts'
export * from './schema/intake.ts'
export * from './schema/oncall.ts'
export * from './schema/subscriptions.ts'
export * from './schema/vigil.ts'
export { tocsin }

/** Canonical blocks that the watcher has committed, kept back to finality (and a little beyond). */
export const chainBlock = tocsin.table(
  'chain_block',
  {
    chainId: integer('chain_id').notNull(),
    number: block('number').notNull(),
    hash: text('hash').notNull(),
    parentHash: text('parent_hash').notNull(),
    /** Block time, seconds. */
    timestampS: block('timestamp_s').notNull(),
    transactions: integer('transactions').notNull(),
    /** From hearing of the head to the commit, ms; null while catching up. */
    latencyMs: doublePrecision('latency_ms'),
    committedAt: at('committed_at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.chainId, t.number] })],
)

/** One row per chain: where the watcher stands. Written in the same transaction as the findings. */
export const chainCursor = tocsin.table('chain_cursor', {
  chainId: integer('chain_id').primaryKey(),
  chainName: text('chain_name').notNull(),
  number: block('number').notNull(),
  hash: text('hash').notNull(),
  /** Hash of block 0 (or of the first block seen): a data folder of another chain is refused. */
  genesisHash: text('genesis_hash').notNull(),
  finalized: block('finalized'),
  head: block('head'),
  /** Hash of the newest block up to which the tally of watched logs is whole (see `tally_cover`). */
  tallied: text('tallied'),
  health: jsonb('health').$type<Json>(),
  updatedAt: at('updated_at').notNull().defaultNow(),
})

/**
 * What the watcher saw of each watched address, one row per block in which it emitted anything: compared with the index
 * and then deleted. No row means no log, from `tally_cover.from_block` on.
 */
export const blockTally = tocsin.table(
  'block_tally',
  {
    chainId: integer('chain_id').notNull(),
    blockNumber: block('block_number').notNull(),
    address: text('address').notNull(),
    blockHash: text('block_hash').notNull(),
    logs: integer('logs').notNull(),
    /** SHA-256 over place and content of the logs in their order; the index's rows give the same. */
    digest: text('digest').notNull(),
    /** `<tx hash>:<log index>,<log index>;<tx hash>:…` */
    places: text('places').notNull(),
  },
  (t) => [primaryKey({ columns: [t.chainId, t.blockNumber, t.address] })],
)

/** From which block on the tally of an address is whole. */
export const tallyCover = tocsin.table(
  'tally_cover',
  {
    chainId: integer('chain_id').notNull(),
    address: text('address').notNull(),
    fromBlock: block('from_block').notNull(),
  },
  (t) => [primaryKey({ columns: [t.chainId, t.address] })],
)

/** How far the watcher's tally and the index were compared, per chain. */
export const crossCheck = tocsin.table('cross_check', {
  chainId: integer('chain_id').primaryKey(),
  chainName: text('chain_name').notNull(),
  /** First block that was compared; null before the first. */
  fromBlock: block('from_block'),
  /** Everything from there to here was compared, but for `skipped` blocks. */
  checked: block('checked'),
  /** Blocks in between that could never be compared: the tally had a gap. */
  skipped: bigint('skipped', { mode: 'number' }).notNull().default(0),
  /** Blocks and addresses on which the two did not agree, and the newest such block. */
  differences: bigint('differences', { mode: 'number' }).notNull().default(0),
  lastDifference: block('last_difference'),
  /** Addresses that both sides know, and that either does. */
  compared: integer('compared').notNull().default(0),
  known: integer('known').notNull().default(0),
  /** A final block that is not compared yet, and since when it waits. */
  goal: block('goal'),
  goalSince: at('goal_since'),
  /** Why it waits; empty when nothing does. */
  reason: text('reason').notNull().default(''),
  updatedAt: at('updated_at').notNull().defaultNow(),
})

/** What bots found. The id is the SHA-256 of (bot, alertId, chain, block hash, tx hash, uniqueKey). */
export const finding = tocsin.table(
  'finding',
  {
    id: text('id').primaryKey(),
    seq: bigserial('seq', { mode: 'number' }).notNull(),
    botId: text('bot_id').notNull(),
    botVersion: text('bot_version').notNull(),
    alertId: text('alert_id').notNull(),
    alertKind: text('alert_kind').$type<'event' | 'condition'>().notNull(),
    condition: text('condition').$type<'holds' | 'ended' | 'unknown'>(),
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
    metadata: jsonb('metadata').$type<Record<string, string>>().notNull().default({}),
    addresses: text('addresses').array().notNull().default(sql`'{}'::text[]`),
    labels: jsonb('labels').$type<Json>().notNull().default([]),
    /**
     * `pending`: what the simulation of a transaction that is not mined yet brought, on top of the block that the row
     * names. It ends as `landed` (the transaction was mined: what the block says counts) or `dropped` (it never was).
     */
    status: text('status')
      .$type<'provisional' | 'final' | 'retracted' | 'pending' | 'landed' | 'dropped'>()
      .notNull(),
    /** From hearing of the head to the insert, ms; null while catching up. */
    latencyMs: doublePrecision('latency_ms'),
    createdAt: at('created_at').notNull().defaultNow(),
    finalizedAt: at('finalized_at'),
    retractedAt: at('retracted_at'),
    /** Raised at every change of status or re-detection; readers that follow it must mind transactions that commit late. */
    revision: bigserial('revision', { mode: 'number' }).notNull(),
  },
  (t) => [
    uniqueIndex('finding_seq').on(t.seq),
    uniqueIndex('finding_revision').on(t.revision),
    index('finding_block').on(t.chainId, t.blockNumber),
    index('finding_tx').on(t.txHash),
    index('finding_bot').on(t.botId, t.alertId),
    // The explorer reads newest first, by whichever of these is asked for.
    index('finding_bot_seq').on(t.botId, t.seq),
    index('finding_severity_seq').on(t.severity, t.seq),
    index('finding_chain_seq').on(t.chainId, t.seq),
    index('finding_status_seq').on(t.status, t.seq),
    index('finding_created').on(t.createdAt),
    index('finding_addresses').using('gin', t.addresses),
    index('finding_open').on(t.chainId, t.blockNumber).where(sql`status = 'provisional'`),
    index('finding_pending').on(t.chainId).where(sql`status = 'pending'`),
  ],
)

/** State of bots, versioned by block: a rollback deletes what lies above the common ancestor. `value` null is a deletion. */
export const botState = tocsin.table(
  'bot_state',
  {
    chainId: integer('chain_id').notNull(),
    botId: text('bot_id').notNull(),
    key: text('key').notNull(),
    blockNumber: block('block_number').notNull(),
    value: jsonb('value').$type<Json>(),
  },
  (t) => [
    primaryKey({ columns: [t.chainId, t.botId, t.key, t.blockNumber] }),
    index('bot_state_block').on(t.chainId, t.blockNumber),
  ],
)

/** Samples of `ctx.window`. `ordinal` tells samples of one block apart. */
export const botSample = tocsin.table(
  'bot_sample',
  {
    chainId: integer('chain_id').notNull(),
    botId: text('bot_id').notNull(),
    key: text('key').notNull(),
    blockNumber: block('block_number').notNull(),
    ordinal: integer('ordinal').notNull(),
    timestampS: block('timestamp_s').notNull(),
    value: numeric('value').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.chainId, t.botId, t.key, t.blockNumber, t.ordinal] }),
    index('bot_sample_block').on(t.chainId, t.blockNumber),
  ],
)

/** How each bot is doing, per chain. */
export const botHealth = tocsin.table(
  'bot_health',
  {
    chainId: integer('chain_id').notNull(),
    botId: text('bot_id').notNull(),
    status: text('status').$type<'ok' | 'failing' | 'disabled'>().notNull(),
    blocksFailed: bigint('blocks_failed', { mode: 'number' }).notNull().default(0),
    lastError: text('last_error'),
    lastErrorBlock: block('last_error_block'),
    findings: bigint('findings', { mode: 'number' }).notNull().default(0),
    updatedAt: at('updated_at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.chainId, t.botId] })],
)

/**
 * Each time a bot took the watcher's process down: it blocked the thread (`blocked`), ended the process (`exited`), or
 * the process died three times over the same bot and block without a word (`died`).
 */
export const botStrike = tocsin.table(
  'bot_strike',
  {
    seq: bigserial('seq', { mode: 'number' }).primaryKey(),
    chainId: integer('chain_id').notNull(),
    botId: text('bot_id').notNull(),
    /** Of version, parameters and things: strikes of another make of the bot do not count. */
    fingerprint: text('fingerprint').notNull(),
    blockNumber: block('block_number').notNull(),
    blockHash: text('block_hash').notNull(),
    kind: text('kind').$type<'blocked' | 'exited' | 'died'>().notNull(),
    /** False where several bots were under way and it cannot be told which of them it was. */
    certain: boolean('certain').notNull(),
    detail: text('detail').notNull(),
    at: at('at').notNull().defaultNow(),
  },
  (t) => [index('bot_strike_bot').on(t.chainId, t.botId, t.at)],
)

/** Bots that are not run any more, until their version or the watchlist changes or somebody releases them. */
export const botQuarantine = tocsin.table(
  'bot_quarantine',
  {
    chainId: integer('chain_id').notNull(),
    botId: text('bot_id').notNull(),
    fingerprint: text('fingerprint').notNull(),
    reason: text('reason').notNull(),
    since: at('since').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.chainId, t.botId] })],
)

/** What people see: findings of one key folded into one thing with a life. */
export const alert = tocsin.table(
  'alert',
  {
    /** `a_` and the SHA-256 of (key, id of the finding that opened it), shortened. */
    id: text('id').primaryKey(),
    /** Fold key: bot, alertId, chain, thing (or addresses). One open alert per key. */
    key: text('key').notNull(),
    kind: text('kind').$type<'event' | 'condition'>().notNull(),
    status: text('status').$type<'open' | 'unknown' | 'resolved' | 'retracted'>().notNull(),
    severity: text('severity').$type<'SEV1' | 'SEV2' | 'SEV3' | 'SEV4'>().notNull(),
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
    /** Findings in it that are not retracted. */
    findings: integer('findings').notNull().default(1),
    firstBlock: block('first_block').notNull(),
    lastBlock: block('last_block').notNull(),
    /** `seq` of the finding that speaks last on the chain, and what it says of the condition. */
    lastSeq: bigint('last_seq', { mode: 'number' }).notNull().default(0),
    condition: text('condition').$type<'holds' | 'ended' | 'unknown'>().notNull().default('holds'),
    /** When the last finding was folded in: an event that stays quiet closes by itself. */
    lastFindingAt: at('last_finding_at').notNull().defaultNow(),
    /** Every channel that was told of it, and how many changes were told: part of the outbox's dedup keys. */
    channels: text('channels').array().notNull().default(sql`'{}'::text[]`),
    changes: integer('changes').notNull().default(0),
    /** `condition`, `quiet`, or `by:` and the person who closed it. */
    closedBy: text('closed_by'),
    openedAt: at('opened_at').notNull().defaultNow(),
    updatedAt: at('updated_at').notNull().defaultNow(),
    closedAt: at('closed_at'),
    acknowledgedAt: at('acknowledged_at'),
    acknowledgedBy: text('acknowledged_by'),
    /** When its channels last heard of it. */
    toldAt: at('told_at'),
    /** When it opened, closed or was taken back of late (ms since epoch), newest last. */
    transitions: jsonb('transitions').$type<number[]>().notNull().default([]),
    /** Since when it comes and goes; null when it does not. */
    flappingSince: at('flapping_since'),
  },
  (t) => [
    uniqueIndex('alert_open_key').on(t.key).where(sql`status in ('open', 'unknown')`),
    index('alert_key').on(t.key, t.openedAt),
    index('alert_incident').on(t.incidentId),
    index('alert_opened').on(t.openedAt, t.id),
    index('alert_grave')
      .on(t.severity, t.updatedAt.desc().nullsFirst())
      .where(sql`status in ('open', 'unknown')`),
    index('alert_ended').on(t.updatedAt).where(sql`status not in ('open', 'unknown')`),
    index('alert_live').on(t.kind, t.lastFindingAt).where(sql`status in ('open', 'unknown')`),
  ],
)

export const alertFinding = tocsin.table(
  'alert_finding',
  {
    alertId: text('alert_id').notNull(),
    findingId: text('finding_id').notNull(),
    /** As routed when it was folded in. */
    severity: text('severity').$type<'SEV1' | 'SEV2' | 'SEV3' | 'SEV4'>().notNull().default('SEV4'),
    retracted: boolean('retracted').notNull().default(false),
  },
  (t) => [
    primaryKey({ columns: [t.alertId, t.findingId] }),
    index('alert_finding_finding').on(t.findingId),
  ],
)

/**
 * Findings that are new, retracted or back, for the notifier to fold. A trigger on `finding` fills it in the writer's
 * own transaction; the notifier deletes a row in the transaction that folds it. Unlike a cursor over `revision`, it
 * cannot miss a transaction that commits late.
 */
export const findingQueue = tocsin.table('finding_queue', {
  seq: bigserial('seq', { mode: 'number' }).primaryKey(),
  findingId: text('finding_id').notNull(),
})

/** Alerts that belong together. */
export const incident = tocsin.table(
  'incident',
  {
    id: text('id').primaryKey(),
    /** What is hit: the protocol, else the thing. */
    subject: text('subject').notNull(),
    status: text('status').$type<'open' | 'resolved'>().notNull(),
    severity: text('severity').$type<'SEV1' | 'SEV2' | 'SEV3' | 'SEV4'>().notNull(),
    title: text('title').notNull(),
    owner: text('owner'),
    openedAt: at('opened_at').notNull().defaultNow(),
    updatedAt: at('updated_at').notNull().defaultNow(),
    closedAt: at('closed_at'),
    /** Who has it in hand now; taken away when a SEV1 stays without news for too long. */
    acknowledgedAt: at('acknowledged_at'),
    acknowledgedBy: text('acknowledged_by'),
    /** The first acknowledgement ever: what the target is measured by. */
    firstAcknowledgedAt: at('first_acknowledged_at'),
    /** When a person last acted on it or said something. */
    attendedAt: at('attended_at'),
    mitigatedAt: at('mitigated_at'),
    mitigatedBy: text('mitigated_by'),
    /** `by:<name>` when a person closed it, `merged:<id>` when it went into another, else null. */
    closedBy: text('closed_by'),
    /** By when it should be acknowledged and mitigated, by the targets of its severity. */
    acknowledgeDueAt: at('acknowledge_due_at'),
    mitigateDueAt: at('mitigate_due_at'),
    /** Severity that many warnings gave it; never milder than that of its alerts. */
    escalatedTo: text('escalated_to').$type<'SEV1' | 'SEV2' | 'SEV3' | 'SEV4'>(),
    /** Incident upstream that explains this one: people are not told while that is open. */
    inhibitedBy: text('inhibited_by'),
    /** When its channels last heard of it, and how often it was repeated to them. */
    toldAt: at('told_at'),
    repeats: integer('repeats').notNull().default(0),
    reopenedCount: integer('reopened_count').notNull().default(0),
  },
  (t) => [
    index('incident_open').on(t.openedAt).where(sql`status = 'open'`),
    index('incident_subject').on(t.subject, t.updatedAt),
    index('incident_opened').on(t.openedAt),
  ],
)

/** Where messages of an incident or alert stand at the far end of a channel: what a thread or an edit needs. */
export const channelThread = tocsin.table(
  'channel_thread',
  {
    channel: text('channel').notNull(),
    lane: text('lane').notNull(),
    /** The far end's own name of the first message. */
    reference: text('reference').notNull(),
    createdAt: at('created_at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.channel, t.lane] })],
)

/** When the next message may leave by a channel whose receiver sets a pace (generic cell rate algorithm). */
export const channelSlot = tocsin.table('channel_slot', {
  channel: text('channel').primaryKey(),
  /** Theoretical arrival time: how far the channel is ahead of its even pace. */
  dueAt: at('due_at').notNull(),
})

/** Messages to channels, written in the transaction that changed the alert. At least once, in order per incident. */
export const outbox = tocsin.table(
  'outbox',
  {
    seq: bigserial('seq', { mode: 'number' }).primaryKey(),
    /** Deterministic: (alert, change, channel). Receivers drop repeats by it. */
    dedupKey: text('dedup_key').notNull(),
    channel: text('channel').notNull(),
    alertId: text('alert_id').notNull(),
    incidentId: text('incident_id'),
    /** Messages of one lane leave a channel strictly in order: the incident, else the alert. */
    lane: text('lane').notNull(),
    severity: text('severity').$type<'SEV1' | 'SEV2' | 'SEV3' | 'SEV4'>().notNull(),
    payload: jsonb('payload').$type<Json>().notNull(),
    /** `superseded`: it waited so long that something newer of its alert was to be told instead. */
    status: text('status')
      .$type<'pending' | 'sent' | 'dead' | 'superseded'>()
      .notNull()
      .default('pending'),
    attempts: integer('attempts').notNull().default(0),
    /** How often the receiver refused it for good. */
    refusals: integer('refusals').notNull().default(0),
    /** Presence key of the notifier that is sending it now; `nextAttemptAt` is then the end of its lease. */
    leasedBy: integer('leased_by'),
    nextAttemptAt: at('next_attempt_at').notNull().defaultNow(),
    lastError: text('last_error'),
    createdAt: at('created_at').notNull().defaultNow(),
    sentAt: at('sent_at'),
  },
  (t) => [
    uniqueIndex('outbox_dedup').on(t.dedupKey),
    index('outbox_due').on(t.channel, t.severity, t.seq).where(sql`status = 'pending'`),
    index('outbox_lane').on(t.channel, t.lane, t.seq).where(sql`status = 'pending'`),
    index('outbox_leased').on(t.leasedBy).where(sql`leased_by is not null`),
    index('outbox_dead').on(t.createdAt).where(sql`status = 'dead'`),
    index('outbox_alert').on(t.alertId),
    index('outbox_incident').on(t.incidentId),
  ],
)

/** One run of an approved action. The row exists before anything is sent. */
export const execution = tocsin.table(
  'execution',
  {
    id: text('id').primaryKey(),
    /** (policy hash, target, incident epoch): the database refuses the second. */
    idempotencyKey: text('idempotency_key').notNull(),
    actionId: text('action_id').notNull(),
    /** What the watcher believed; the signer compares with the file it read itself. */
    policyHash: text('policy_hash'),
    mode: text('mode').$type<'observe' | 'propose' | 'auto'>(),
    chainId: integer('chain_id').notNull(),
    findingId: text('finding_id').notNull(),
    thing: text('thing'),
    status: text('status')
      .$type<
        | 'requested'
        | 'refused'
        | 'observed'
        | 'proposed'
        | 'sending'
        | 'sent'
        | 'mined'
        | 'succeeded'
        | 'failed'
        | 'not_needed'
      >()
      .notNull(),
    /** Why refused or failed, in one sentence. */
    reason: text('reason'),
    target: text('target'),
    calldata: text('calldata'),
    signerAddress: text('signer_address'),
    nonce: bigint('nonce', { mode: 'number' }),
    /** Every hash broadcast for this execution (replacements share the nonce), newest last. */
    txHashes: text('tx_hashes').array().notNull().default(sql`'{}'::text[]`),
    minedTxHash: text('mined_tx_hash'),
    minedBlock: block('mined_block'),
    simulation: jsonb('simulation').$type<Json>(),
    /** `performance`-clock of the head that led here, ms since epoch: for the latency figures only. */
    seenAtMs: doublePrecision('seen_at_ms'),
    requestedAt: at('requested_at').notNull().defaultNow(),
    broadcastAt: at('broadcast_at'),
    minedAt: at('mined_at'),
    updatedAt: at('updated_at').notNull().defaultNow(),
    approvedBy: text('approved_by'),
    approvedAt: at('approved_at'),
    proposedAt: at('proposed_at'),
    /** Which occurrence of the incident this answers: 1, 2, … per action; part of the idempotency key. */
    epoch: integer('epoch').notNull().default(1),
    /** Block time (seconds) of the finding that asked: the cooldown is measured from it. */
    triggeredAtS: block('triggered_at_s'),
    /** Stable code beside `reason`: `expired`, `finding_retracted`, `limit`, … */
    reasonCode: text('reason_code'),
    /** Signed transactions in the order they were made, each committed before it was sent: `{hash, raw, …fees}`. */
    attempts: jsonb('attempts').$type<Json>().notNull().default([]),
    /** When the first signed transaction was committed; limits, spending and the deadline count from here. */
    sendingAt: at('sending_at'),
    /** Wei: the most that it may cost while in flight, what it cost once mined. */
    feeWei: numeric('fee_wei'),
    minedBlockHash: text('mined_block_hash'),
    /** When the effect had stood for the policy's confirmations; until then a reorg sends it again. */
    confirmedAt: at('confirmed_at'),
    /** When its block was final on chain, or nothing was left to mind: until then the signer looks after it. */
    finalAt: at('final_at'),
    /** Which of the policy's senders is at it, from 0, and since when. */
    senderStep: integer('sender_step').notNull().default(0),
    senderStepAt: at('sender_step_at'),
    /** The signer's own signed word that it decided to act: without it no other sender is asked. */
    warrant: jsonb('warrant').$type<Json>(),
  },
  (t) => [
    uniqueIndex('execution_idempotency').on(t.idempotencyKey),
    index('execution_status').on(t.status),
    index('execution_requested').on(t.requestedAt, t.id),
    index('execution_finding').on(t.findingId),
    index('execution_action').on(t.actionId, t.epoch),
  ],
)

/** An execution in the hands of a sender with a key of its own; committed before the first request to it. */
export const executionRelay = tocsin.table(
  'execution_relay',
  {
    executionId: text('execution_id').notNull(),
    /** Place of the sender in the policy, from 0. */
    step: integer('step').notNull(),
    sender: text('sender').notNull(),
    /** `intent`: asked or about to be asked, and no answer known. `expired`, `failed`: it ended without the effect. */
    status: text('status')
      .$type<'intent' | 'accepted' | 'refused' | 'expired' | 'failed' | 'mined'>()
      .notNull(),
    /** How many requests to send were begun. */
    posts: integer('posts').notNull().default(0),
    /** The sender's own id of the transaction; hashes change, it does not. */
    externalId: text('external_id'),
    /** Every hash that the sender named, newest last. */
    hashes: text('hashes').array().notNull().default(sql`'{}'::text[]`),
    reason: text('reason'),
    createdAt: at('created_at').notNull().defaultNow(),
    updatedAt: at('updated_at').notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.executionId, t.step] }),
    index('execution_relay_external').on(t.sender, t.externalId),
  ],
)

/** Every decision of the signer, refusals included; each row carries the hash of the one before. */
export const executionLog = tocsin.table(
  'execution_log',
  {
    seq: bigserial('seq', { mode: 'number' }).primaryKey(),
    executionId: text('execution_id').notNull(),
    at: at('at').notNull().defaultNow(),
    event: text('event').notNull(),
    detail: jsonb('detail').$type<Json>().notNull(),
    previousHash: text('previous_hash').notNull(),
    hash: text('hash').notNull(),
  },
  (t) => [index('execution_log_execution').on(t.executionId, t.seq)],
)

/**
 * What people said of a proposal. A row counts only with a `proof` that the signer verifies: whoever can write here, but
 * does not hold the secret or a key of an approver, approves nothing.
 */
export const executionApproval = tocsin.table(
  'execution_approval',
  {
    id: text('id').primaryKey(),
    executionId: text('execution_id').notNull(),
    /** Name under `signer.approvers`, or the person's own name where none are configured. */
    who: text('who').notNull(),
    role: text('role').notNull(),
    decision: text('decision').$type<'approve' | 'deny'>().notNull(),
    /** Hash of exactly what was shown: execution, policy, chain, target and calldata. */
    bytesHash: text('bytes_hash').notNull(),
    at: at('at').notNull().defaultNow(),
    via: text('via').$type<'link' | 'console' | 'cli' | 'key' | 'chat'>().notNull(),
    /** Single use. */
    nonce: text('nonce').notNull(),
    expiresAt: at('expires_at').notNull(),
    /** Message authentication code of the link, or signature of the approver's key. */
    proof: text('proof').notNull(),
  },
  (t) => [
    uniqueIndex('execution_approval_nonce').on(t.nonce),
    uniqueIndex('execution_approval_person').on(t.executionId, t.who, t.decision),
  ],
)

/** Every time that all automatic action was stopped. A row without `lifted_at` stops it; a file does so too. */
export const killSwitch = tocsin.table(
  'kill_switch',
  {
    id: text('id').primaryKey(),
    at: at('at').notNull().defaultNow(),
    who: text('who').notNull(),
    via: text('via').$type<'cli' | 'api' | 'console'>().notNull(),
    reason: text('reason').notNull(),
    liftedAt: at('lifted_at'),
    liftedBy: text('lifted_by'),
  },
  (t) => [index('kill_switch_on').on(t.at).where(sql`lifted_at is null`)],
)

/**
 * Who agreed that a stop ends. A row counts only with a `proof` that the signer verifies, and by people whom its own
 * watchlist names; the signer ends the stop, nobody else.
 */
export const haltAnswer = tocsin.table(
  'halt_answer',
  {
    id: text('id').primaryKey(),
    haltId: text('halt_id').notNull(),
    /** Name under `signer.approvers`. */
    who: text('who').notNull(),
    at: at('at').notNull().defaultNow(),
    via: text('via').$type<'console' | 'api'>().notNull(),
    expiresAt: at('expires_at').notNull(),
    proof: text('proof').notNull(),
  },
  (t) => [uniqueIndex('halt_answer_person').on(t.haltId, t.who)],
)

/** Heartbeat of every process; the console and `tocsin status` read it. */
export const processStatus = tocsin.table('process_status', {
  /** `watcher`, `notifier`, `signer`, `indexer`, `console`, `supervisor`. */
  name: text('name').primaryKey(),
  pid: integer('pid').notNull(),
  status: text('status').$type<'starting' | 'ok' | 'degraded' | 'stopped' | 'failed'>().notNull(),
  reason: text('reason').notNull().default(''),
  detail: jsonb('detail').$type<Json>().notNull().default({}),
  configHash: text('config_hash'),
  restarts: integer('restarts').notNull().default(0),
  startedAt: at('started_at').notNull().defaultNow(),
  heartbeatAt: at('heartbeat_at').notNull().defaultNow(),
})

/** Every change of a threshold or route that a running process took up. */
export const configChange = tocsin.table('config_change', {
  seq: bigserial('seq', { mode: 'number' }).primaryKey(),
  at: at('at').notNull().defaultNow(),
  process: text('process').notNull(),
  /** Operating-system user that owns the file's last write, as far as it can be known. */
  who: text('who').notNull(),
  file: text('file').notNull(),
  /** Dotted path, e.g. `bots.tvl-drop.parameters.dropBps`. */
  path: text('path').notNull(),
  oldValue: jsonb('old_value').$type<Json>(),
  newValue: jsonb('new_value').$type<Json>(),
})

/** Small cursors and one-off facts of processes (notifier's revision cursor, last canary, …). */
export const keyValue = tocsin.table('key_value', {
  key: text('key').primaryKey(),
  value: jsonb('value').$type<Json>().notNull(),
  updatedAt: at('updated_at').notNull().defaultNow(),
})

/** Entity labels that were imported; those of the watchlist and its files are not in here. */
export const label = tocsin.table(
  'label',
  {
    /** 0: on every chain. */
    chainId: integer('chain_id').notNull(),
    address: text('address').notNull(),
    name: text('name').notNull(),
    tags: text('tags').array().notNull().default(sql`'{}'::text[]`),
    /** Name of the list it came with: an import replaces what the list said before. */
    source: text('source').notNull(),
    /** Where that list knows it from. */
    origin: text('origin'),
    importedAt: at('imported_at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.address, t.chainId, t.source] })],
)
