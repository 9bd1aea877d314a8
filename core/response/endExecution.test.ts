import { and, eq } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createSignerFixture, type SignerFixture } from '../../test/support/signerFixture.ts'
import { foldFindings } from '../alerts/index.ts'
import { tables } from '../store/index.ts'
import type { Sender } from './sender.ts'

const PAUSER = '0x65d7a28e3265b37a6474929f336521b332c1681b933f6cb9f3376673440d862a'
const owner = 'vault-team'

let f: SignerFixture
beforeAll(async () => {
  f = await createSignerFixture()
}, 240_000)
afterAll(() => f?.stop())
beforeEach(() => f.reset())

const pages = () =>
  f.database.db.select().from(tables.finding).where(eq(tables.finding.botId, 'tocsin'))

/** What the notifier puts before people for what is in the database now. */
const tell = async () => {
  const config = {
    dataDir: f.dataDir,
    chains: [],
    channels: [
      { kind: 'console' as const, name: 'log' },
      { kind: 'console' as const, name: 'pager' },
    ],
    routes: [
      {
        match: { owner: [owner], severity: ['SEV1' as const, 'SEV2' as const] },
        channels: ['pager'],
        continue: false,
      },
    ],
  }
  while ((await foldFindings({ db: f.database.db, config, runbookFor: undefined })) > 0);
  return f.database.db
    .select()
    .from(tables.outbox)
    .where(and(eq(tables.outbox.channel, 'pager'), eq(tables.outbox.status, 'pending')))
}

const isOver = ({ status }: { status: string }): boolean =>
  status === 'failed' || status === 'refused'

/** A sender whose transactions never reach anybody. */
const mute = (): Sender => ({
  name: 'mute',
  send: async () => ({ outcome: 'accepted', message: '' }),
  status: async () => ({ state: 'unknown' }),
})

test('behavior: an effect that is not seen in time pages once, naming action, target, finding and reason', async () => {
  await f.writePolicy({ postcondition: { deadlineS: 1, confirmations: 1 } })
  const { finding, executions } = await f.find({ owner, protocol: 'vaults' })
  await f.start({ createSender: mute })
  const row = await f.until(executions[0] ?? '', isOver)
  expect([row.status, row.reasonCode]).toEqual(['failed', 'deadline'])
  const [page, ...rest] = await pages()
  expect(rest).toEqual([])
  expect(page).toMatchObject({
    alertId: 'EXECUTION-FAILED',
    severity: 'Critical',
    owner,
    protocol: 'vaults',
    status: 'final',
    metadata: {
      action: 'pause-vault',
      target: f.vault.toLowerCase(),
      finding: finding.id,
      execution: row.id,
      code: 'deadline',
    },
  })
  for (const word of ['pause-vault', f.vault.toLowerCase(), 'TVL fell', 'was not seen within 1 s'])
    expect(page?.description).toContain(word)
  const told = await tell()
  const about = told.filter(({ payload }) => JSON.stringify(payload).includes('EXECUTION-FAILED'))
  expect(about.map(({ severity }) => severity)).toEqual(['SEV1'])
  // The next signer finds it ended and says nothing more.
  await f.stopSigners()
  await f.start()
  await f.mine(2)
  await f.until(executions[0] ?? '', ({ status }) => status === 'failed')
  expect((await pages()).length).toBe(1)
})

test('behavior: a pause that reverts when it is mined pages', async () => {
  await f.writePolicy()
  const { executions } = await f.find()
  await f.start()
  const id = executions[0] ?? ''
  await f.until(id, ({ status }) => status === 'sent')
  // Out of the pool, so that the right is gone before it comes back with the next head.
  await f.anvil.rpc('anvil_dropAllTransactions')
  await f.asAdmin('revokeRole', [PAUSER, f.signer])
  await expect
    .poll(() => f.anvil.rpc<{ pending: string }>('txpool_status'), { timeout: 5_000 })
    .toMatchObject({ pending: '0x1' })
  await f.mine()
  const row = await f.until(id, isOver)
  await f.asAdmin('grantRole', [PAUSER, f.signer])
  expect([row.status, row.reasonCode]).toEqual(['failed', 'reverted'])
  const [page] = await pages()
  expect([page?.alertId, page?.severity]).toEqual(['EXECUTION-FAILED', 'Critical'])
  expect(page?.description).toContain('reverted')
})

test('behavior: a simulation that says no pages, also where nothing would have been sent', async () => {
  await f.writePolicy({ mode: 'observe' })
  await f.asAdmin('revokeRole', [PAUSER, f.signer])
  const { executions } = await f.find()
  await f.start()
  const row = await f.until(executions[0] ?? '', isOver)
  await f.asAdmin('grantRole', [PAUSER, f.signer])
  expect(row.reasonCode).toBe('simulation_reverted')
  const [page] = await pages()
  expect([page?.alertId, page?.severity]).toEqual(['EXECUTION-REFUSED', 'High'])
})

test('behavior: refused in mode auto pages, and refusals of one target are one alert', async () => {
  await f.writePolicy()
  await f.start()
  for (const uniqueKey of ['first', 'second']) {
    const { executions } = await f.find({ alertId: 'OTHER', uniqueKey, owner })
    const row = await f.until(executions[0] ?? '', isOver)
    expect(row.reasonCode).toBe('trigger')
  }
  expect((await pages()).map(({ severity }) => severity)).toEqual(['Critical', 'Critical'])
  await tell()
  const alerts = await f.database.db
    .select()
    .from(tables.alert)
    .where(eq(tables.alert.alertId, 'EXECUTION-REFUSED'))
  expect(alerts.filter(({ owner: who }) => who === owner).map((row) => row.findings)).toEqual([2])
})

test('behavior: a proposal that nobody approved in time pages', async () => {
  await f.writePolicy({ mode: 'propose', approval: { timeoutS: 1 } })
  const { executions } = await f.find()
  await f.start()
  const row = await f.until(executions[0] ?? '', isOver)
  expect(row.reasonCode).toBe('approval_timeout')
  const found = await pages()
  expect(found.map(({ alertId }) => alertId).sort()).toEqual(['EXECUTION-REFUSED', 'PROPOSAL'])
  expect(found.map(({ severity }) => severity)).toEqual(['High', 'High'])
})

test('behavior: what a reorg took away, and what mode observe would not have done, wakes nobody', async () => {
  await f.writePolicy()
  const retracted = await f.find({ status: 'retracted' })
  await f.start()
  await f.until(retracted.executions[0] ?? '', isOver)
  await f.stopSigners()
  await f.database.db.delete(tables.execution)
  await f.writePolicy({ mode: 'observe' })
  const other = await f.find({ alertId: 'OTHER' })
  await f.start()
  const row = await f.until(other.executions[0] ?? '', isOver)
  expect(row.reasonCode).toBe('trigger')
  expect(await pages()).toEqual([])
})
