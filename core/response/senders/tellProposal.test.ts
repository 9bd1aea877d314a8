import { eq } from 'drizzle-orm'
import { getAddress } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ActionStage, createActionStage } from '../../../test/support/actionScene.ts'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { createSafe } from '../../../test/support/safeScene.ts'
import {
  type SafeServiceStandin,
  startSafeServiceStandin,
} from '../../../test/support/safeServiceStandin.ts'
import { foldFindings } from '../../alerts/foldFindings.ts'
import { routingConfig } from '../../alerts/testSupport.ts'
import type { Address, Hex } from '../../base/index.ts'
import { tables } from '../../store/index.ts'
import { createSignerKey } from '../signerKey.ts'
import { createSignerRpc } from '../signerRpc.ts'
import { noteAccepted } from './noteRelay.ts'
import type { RelayTransaction } from './remoteSender.ts'
import { createSafeSender } from './safe.ts'
import { createSafeLink } from './safeLink.ts'
import { tellSafeProposal } from './tellProposal.ts'

/** Third account of the well-known test mnemonic. */
const KEY: Hex = '0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a'
const SAFE: Address = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC'
const HASH: Hex = `0x${'ab'.repeat(32)}`

let stage: ActionStage
let service: SafeServiceStandin
let database: TestDatabase
beforeAll(async () => {
  ;[stage, database] = await Promise.all([createActionStage(), createTestDatabase()])
  service = await startSafeServiceStandin(stage.anvil)
}, 240_000)
afterAll(async () => {
  await service?.stop()
  await stage?.stop()
  await database?.drop()
})

const ROW = { id: 'x_1', findingId: 'f_1' }
const tell = (transaction: RelayTransaction, changes: object = {}) => {
  const policy = {
    id: 'pause-vault',
    target: `0x${'11'.repeat(20)}` as const,
    chain: stage.anvil.chainId,
    calldata: '0x8456cb59' as const,
    channels: ['council-room'],
    runbook: 'runbooks/pause.md',
    ...changes,
  }
  return database.db.transaction((tx) =>
    tellSafeProposal(tx, ROW, { policy, sender: 'council', transaction }),
  )
}
const told = () =>
  database.db.select().from(tables.finding).where(eq(tables.finding.alertId, 'SAFE-PROPOSED'))

test('default: owners learn once what to sign, and where; nobody is told of what needs no hands', async () => {
  const { anvil, admin } = stage
  const { safe } = await createSafe(stage)
  const rpc = createSignerRpc({ chainId: anvil.chainId, urls: [anvil.url] })
  const key = createSignerKey(KEY)
  service.addDelegate(key.address, admin)
  const sender = createSafeSender(
    {
      name: 'council',
      type: 'safe',
      chain: 'local',
      url: service.url,
      apiKey: '',
      safe: safe.address,
    },
    { rpc, key },
  )
  const answer = await sender.submit({ ...call(), to: safe.address })
  if (answer.outcome !== 'accepted') throw new Error(answer.message)
  const { transaction } = answer
  expect(transaction.proposal).toEqual({
    safe: safe.address,
    nonce: 0,
    safeTxHash: transaction.id,
    link: `${service.url}api/v1/multisig-transactions/${transaction.id}/`,
  })
  // A lost answer is found in the list, with the same facts.
  const [found] = await sender.list({ to: safe.address, data: '0x8456cb59' }, new Date(0))
  expect(found?.proposal).toEqual(transaction.proposal)
  expect((await sender.get(transaction.id))?.proposal).toEqual(transaction.proposal)

  await tell({ ...transaction, proposal: undefined })
  expect(await told()).toEqual([])
  await tell(transaction)
  await tell(transaction)
  const findings = await told()
  expect(findings).toHaveLength(1)
  expect(findings[0]).toMatchObject({
    severity: 'Critical',
    metadata: {
      action: 'pause-vault',
      execution: 'x_1',
      sender: 'council',
      safe: getAddress(safe.address),
      nonce: '0',
      safeTxHash: transaction.id,
      link: transaction.proposal?.link,
      channels: 'council-room',
    },
  })
  expect(findings[0]?.description).toContain(`Compare the hash ${transaction.id}`)
  await foldFindings({ db: database.db, config: routingConfig() })
  const alerts = await database.db.select().from(tables.alert)
  expect(alerts).toMatchObject([{ alertId: 'SAFE-PROPOSED', status: 'open' }])

  service.setExecuted(transaction.id, HASH)
  const executed = await sender.get(transaction.id)
  if (!executed) throw new Error('gone')
  await database.db.delete(tables.finding)
  await tell(executed)
  expect(await told()).toEqual([])
})

const call = () => ({
  chainId: stage.anvil.chainId,
  to: SAFE,
  data: '0x8456cb59' as const,
  gasLimit: 200_000n,
  maxFeePerGas: 1n,
  maxPriorityFeePerGas: 1n,
  validUntil: new Date(Date.now() + 600_000),
  note: 'pause-vault x_1',
})

test.each([
  ['https://api.safe.global/tx-service/eth/', 1, 'eth'],
  ['https://api.safe.global/tx-service/zksync', 324, 'zksync'],
  ['https://safe-transaction-arbitrum.safe.global/', 42_161, 'arb1'],
] as const)('behavior: %s has a page where owners sign', (url, chainId, short) => {
  expect(createSafeLink({ service: url, chainId, safe: SAFE })(HASH)).toBe(
    `https://app.safe.global/transactions/tx?safe=${short}:${SAFE}&id=multisig_${SAFE}_${HASH}`,
  )
})

test.each([
  ['https://me:secret@safe.example/txs/?key=secret', 1, 'https://safe.example/txs'],
  ['https://notsafe.global/', 1, 'https://notsafe.global'],
  [
    'https://safe-transaction-somewhere.safe.global/',
    777,
    'https://safe-transaction-somewhere.safe.global',
  ],
] as const)('behavior: %s shows the proposal itself', (url, chainId, base) => {
  expect(createSafeLink({ service: url, chainId, safe: SAFE })(HASH)).toBe(
    `${base}/api/v1/multisig-transactions/${HASH}/`,
  )
})

test('behavior: a proposal that a service took is told in the transaction that notes it', async () => {
  const { db } = database
  await db.delete(tables.finding)
  const [row] = await db
    .insert(tables.execution)
    .values({
      id: 'x_wired',
      idempotencyKey: 'wired',
      actionId: 'pause-vault',
      chainId: stage.anvil.chainId,
      findingId: 'f_1',
      status: 'sending',
      epoch: 1,
    })
    .returning()
  const [relay] = await db
    .insert(tables.executionRelay)
    .values({ executionId: 'x_wired', step: 0, sender: 'council', status: 'intent', posts: 1 })
    .returning()
  const policy = {
    id: 'pause-vault',
    target: SAFE,
    chain: stage.anvil.chainId,
    calldata: '0x8456cb59',
    channels: [],
    runbook: '',
  }
  const context = { db, metrics: { onBroadcast: () => undefined } }
  const pursuit = { context, row, relay, policy } as unknown as Parameters<typeof noteAccepted>[0]
  await noteAccepted(pursuit, {
    id: HASH,
    hash: undefined,
    to: SAFE,
    data: '0x8456cb59',
    createdAtMs: undefined,
    state: 'pending',
    reason: '',
    proposal: { safe: SAFE, nonce: 4, safeTxHash: HASH, link: 'https://safe.example/tx' },
  })
  expect(await told()).toMatchObject([{ metadata: { nonce: '4', execution: 'x_wired' } }])
  const [after] = await db.select().from(tables.executionRelay)
  expect([after?.status, after?.externalId]).toEqual(['accepted', HASH])
})
