import { index, onchainTable, primaryKey, relations } from 'ponder'

/*
 * What the indexer stores. `id` is chain, block and log index: one log is one event, and a typed row has the id of the
 * event that it was read from. Times are seconds of block time. Amounts are in the token's smallest unit.
 */

type Columns = Parameters<Extract<Parameters<typeof onchainTable>[1], (t: never) => unknown>>[0]
type IndexColumn = Parameters<ReturnType<typeof index>['on']>[0]
type PlaceColumns = Readonly<
  Record<'chainId' | 'blockNumber' | 'timestamp' | 'txHash' | 'address', IndexColumn>
>

/** Where a typed row comes from. */
const place = (t: Columns) => ({
  id: t.text().primaryKey(),
  chainId: t.integer().notNull(),
  blockNumber: t.int8({ mode: 'number' }).notNull(),
  timestamp: t.int8({ mode: 'number' }).notNull(),
  txHash: t.hex().notNull(),
  address: t.hex().notNull(),
})

const placeIndexes = (name: string, table: PlaceColumns) => ({
  address: index(`${name}_address`).on(table.address, table.timestamp),
  tx: index(`${name}_tx`).on(table.txHash),
  block: index(`${name}_block`).on(table.chainId, table.blockNumber),
})

/** Every watched contract, as the watchlist names it. */
export const contract = onchainTable(
  'contract',
  (t) => ({
    chainId: t.integer().notNull(),
    address: t.hex().notNull(),
    name: t.text().notNull(),
    kind: t.text().notNull(),
    startBlock: t.int8({ mode: 'number' }).notNull(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.chainId, table.address] }),
    name: index('contract_name').on(table.name),
  }),
)

/** Every transaction in which a watched contract emitted something. */
export const transaction = onchainTable(
  'transaction',
  (t) => ({
    chainId: t.integer().notNull(),
    hash: t.hex().notNull(),
    blockNumber: t.int8({ mode: 'number' }).notNull(),
    blockHash: t.hex().notNull(),
    timestamp: t.int8({ mode: 'number' }).notNull(),
    txIndex: t.integer().notNull(),
    fromAddress: t.hex().notNull(),
    /** Null for a contract creation. */
    toAddress: t.hex(),
    /** Wei. */
    value: t.bigint().notNull(),
    /** First four bytes of the calldata; `0x` for a plain payment. */
    selector: t.hex().notNull(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.chainId, table.hash] }),
    sender: index('transaction_from').on(table.fromAddress, table.timestamp),
    recipient: index('transaction_to').on(table.toAddress, table.timestamp),
    block: index('transaction_block').on(table.chainId, table.blockNumber),
  }),
)

/** Every log of every watched contract. */
export const event = onchainTable(
  'event',
  (t) => ({
    id: t.text().primaryKey(),
    chainId: t.integer().notNull(),
    blockNumber: t.int8({ mode: 'number' }).notNull(),
    blockHash: t.hex().notNull(),
    timestamp: t.int8({ mode: 'number' }).notNull(),
    txHash: t.hex().notNull(),
    txIndex: t.integer().notNull(),
    logIndex: t.integer().notNull(),
    address: t.hex().notNull(),
    /** Name in the watchlist. */
    thing: t.text().notNull(),
    /** Null when no known ABI decodes the log. */
    name: t.text(),
    /** Decoded arguments by name; integers as decimal strings. Null when not decoded. */
    args: t.jsonb(),
    topics: t.hex().array().notNull(),
    data: t.hex().notNull(),
    txFrom: t.hex().notNull(),
    txTo: t.hex(),
  }),
  (table) => ({
    address: index('event_address').on(table.address, table.timestamp),
    name: index('event_name').on(table.name, table.timestamp),
    tx: index('event_tx').on(table.txHash),
    block: index('event_block').on(table.chainId, table.blockNumber),
  }),
)

/** ERC-20 transfers, also of shares of vaults and pools; ERC-721 transfers carry `tokenId` and value 1. */
export const transfer = onchainTable(
  'transfer',
  (t) => ({
    ...place(t),
    fromAddress: t.hex().notNull(),
    toAddress: t.hex().notNull(),
    value: t.bigint().notNull(),
    tokenId: t.bigint(),
  }),
  (table) => ({
    ...placeIndexes('transfer', table),
    sender: index('transfer_from').on(table.fromAddress, table.timestamp),
    recipient: index('transfer_to').on(table.toAddress, table.timestamp),
  }),
)

/** ERC-20 and ERC-721 approvals. */
export const approval = onchainTable(
  'approval',
  (t) => ({
    ...place(t),
    owner: t.hex().notNull(),
    spender: t.hex().notNull(),
    value: t.bigint().notNull(),
    tokenId: t.bigint(),
  }),
  (table) => ({
    ...placeIndexes('approval', table),
    owner: index('approval_owner').on(table.owner, table.timestamp),
    spender: index('approval_spender').on(table.spender, table.timestamp),
  }),
)

/** Roles of AccessControl: `granted`, `revoked`, `admin_changed`, `default_admin_scheduled`, `default_admin_canceled`. */
export const roleChange = onchainTable(
  'role_change',
  (t) => ({
    ...place(t),
    change: t.text().notNull(),
    role: t.hex().notNull(),
    /** Who gained or lost it. */
    account: t.hex(),
    /** Who gave or took it. */
    sender: t.hex(),
    /** The role that administers `role` from now on, for `admin_changed`. */
    adminRole: t.hex(),
  }),
  (table) => ({
    ...placeIndexes('role_change', table),
    account: index('role_change_account').on(table.account, table.timestamp),
  }),
)

/** Owners: `transferred`, `started` (two steps), and the admin of a proxy: `proxy_admin_changed`. */
export const ownershipChange = onchainTable(
  'ownership_change',
  (t) => ({
    ...place(t),
    change: t.text().notNull(),
    previousOwner: t.hex().notNull(),
    newOwner: t.hex().notNull(),
  }),
  (table) => ({
    ...placeIndexes('ownership_change', table),
    owner: index('ownership_change_owner').on(table.newOwner, table.timestamp),
  }),
)

/** Implementations of proxies, one row per change: `implementation`, or `beacon` with the beacon's address. */
export const upgrade = onchainTable(
  'upgrade',
  (t) => ({
    ...place(t),
    kind: t.text().notNull(),
    implementation: t.hex().notNull(),
  }),
  (table) => ({
    ...placeIndexes('upgrade', table),
    implementation: index('upgrade_implementation').on(table.implementation),
  }),
)

/** The implementation that a watched proxy has at the newest indexed block. */
export const proxyState = onchainTable(
  'proxy_state',
  (t) => ({
    chainId: t.integer().notNull(),
    address: t.hex().notNull(),
    implementation: t.hex().notNull(),
    sinceBlock: t.int8({ mode: 'number' }).notNull(),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.chainId, table.address] }) }),
)

export const pauseChange = onchainTable(
  'pause_change',
  (t) => ({
    ...place(t),
    paused: t.boolean().notNull(),
    account: t.hex().notNull(),
  }),
  (table) => ({
    ...placeIndexes('pause_change', table),
  }),
)

/**
 * Money that enters (`add`), leaves (`remove`) or is paid out (`collect`) of pools, vaults and lending markets.
 * `amount0` and `amount1` of pools; vaults and markets have `amount0` alone.
 */
export const liquidityChange = onchainTable(
  'liquidity_change',
  (t) => ({
    ...place(t),
    /** `uniswap-v2`, `uniswap-v3`, `erc4626`, `aave-v3`. */
    source: t.text().notNull(),
    change: t.text().notNull(),
    /** Whose position it is, as far as the event says: a v2 burn names the recipient alone. */
    owner: t.hex().notNull(),
    recipient: t.hex(),
    amount0: t.bigint().notNull(),
    amount1: t.bigint(),
    /** Liquidity of v3, shares of a vault. */
    liquidity: t.bigint(),
    /** The token of a lending market. */
    reserve: t.hex(),
    tickLower: t.integer(),
    tickUpper: t.integer(),
  }),
  (table) => ({
    ...placeIndexes('liquidity_change', table),
    owner: index('liquidity_change_owner').on(table.owner, table.timestamp),
  }),
)

/** Steps of a proposal: `created`, `vote`, `queued`, `executed`, `canceled`, `extended`; and `setting` for the governor's own settings. */
export const governanceStep = onchainTable(
  'governance_step',
  (t) => ({
    ...place(t),
    step: t.text().notNull(),
    proposalId: t.bigint(),
    /** Proposer or voter. */
    account: t.hex(),
    /** 0 against, 1 for, 2 abstain. */
    support: t.integer(),
    weight: t.bigint(),
    targets: t.hex().array(),
    description: t.text(),
    /** Block time or clock value from which a queued proposal may run. */
    eta: t.bigint(),
    setting: t.text(),
    oldValue: t.text(),
    newValue: t.text(),
  }),
  (table) => ({
    ...placeIndexes('governance_step', table),
    proposal: index('governance_step_proposal').on(table.proposalId),
    account: index('governance_step_account').on(table.account, table.timestamp),
  }),
)

/** Steps of timelocked operations: `scheduled`, `executed`, `cancelled`, and `delay_changed`. One row per call of a batch. */
export const timelockStep = onchainTable(
  'timelock_step',
  (t) => ({
    ...place(t),
    step: t.text().notNull(),
    opId: t.hex(),
    callIndex: t.bigint(),
    target: t.hex(),
    value: t.bigint(),
    data: t.hex(),
    predecessor: t.hex(),
    /** Seconds: of the operation, or the new minimum for `delay_changed`. */
    delay: t.bigint(),
    oldDelay: t.bigint(),
  }),
  (table) => ({
    ...placeIndexes('timelock_step', table),
    operation: index('timelock_step_operation').on(table.opId),
    target: index('timelock_step_target').on(table.target, table.timestamp),
  }),
)

/**
 * Changes of a Safe and what it executed: `setup`, `owner_added`, `owner_removed`, `threshold_changed`, `module_enabled`,
 * `module_disabled`, `guard_changed`, `module_guard_changed`, `fallback_changed`, `executed`, `failed`, `module_executed`,
 * `module_failed`, `hash_approved`, `message_signed`.
 */
export const safeChange = onchainTable(
  'safe_change',
  (t) => ({
    ...place(t),
    change: t.text().notNull(),
    /** Owner, module, guard or handler that it is about. */
    subject: t.hex(),
    threshold: t.bigint(),
    owners: t.hex().array(),
    /** Hash of the Safe's own transaction or message. */
    safeTxHash: t.hex(),
  }),
  (table) => ({
    ...placeIndexes('safe_change', table),
    subject: index('safe_change_subject').on(table.subject, table.timestamp),
  }),
)

export const contractRelations = relations(contract, ({ many }) => ({
  events: many(event),
  transfers: many(transfer),
  approvals: many(approval),
  roleChanges: many(roleChange),
  ownershipChanges: many(ownershipChange),
  upgrades: many(upgrade),
  pauseChanges: many(pauseChange),
  liquidityChanges: many(liquidityChange),
  governanceSteps: many(governanceStep),
  timelockSteps: many(timelockStep),
  safeChanges: many(safeChange),
}))

export const transactionRelations = relations(transaction, ({ many }) => ({
  events: many(event),
  transfers: many(transfer),
  approvals: many(approval),
  roleChanges: many(roleChange),
  ownershipChanges: many(ownershipChange),
  upgrades: many(upgrade),
  pauseChanges: many(pauseChange),
  liquidityChanges: many(liquidityChange),
  governanceSteps: many(governanceStep),
  timelockSteps: many(timelockStep),
  safeChanges: many(safeChange),
}))

export const eventRelations = relations(event, ({ one }) => ({
  contract: one(contract, {
    fields: [event.chainId, event.address],
    references: [contract.chainId, contract.address],
  }),
  transaction: one(transaction, {
    fields: [event.chainId, event.txHash],
    references: [transaction.chainId, transaction.hash],
  }),
}))

/** The way from a typed row to its event, contract and transaction; the columns of `place` are the same in all tables. */
const originOf = (table: unknown) => {
  const row = table as typeof transfer
  return relations(row, ({ one }) => ({
    event: one(event, { fields: [row.id], references: [event.id] }),
    contract: one(contract, {
      fields: [row.chainId, row.address],
      references: [contract.chainId, contract.address],
    }),
    transaction: one(transaction, {
      fields: [row.chainId, row.txHash],
      references: [transaction.chainId, transaction.hash],
    }),
  }))
}

export const transferRelations = originOf(transfer)
export const approvalRelations = originOf(approval)
export const roleChangeRelations = originOf(roleChange)
export const ownershipChangeRelations = originOf(ownershipChange)
export const upgradeRelations = originOf(upgrade)
export const pauseChangeRelations = originOf(pauseChange)
export const liquidityChangeRelations = originOf(liquidityChange)
export const governanceStepRelations = originOf(governanceStep)
export const timelockStepRelations = originOf(timelockStep)
export const safeChangeRelations = originOf(safeChange)
