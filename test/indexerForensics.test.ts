import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { EXAMPLES } from '../core/console/pages/queryExamples.ts'
import { tables } from '../core/store/index.ts'
import { type Anvil, startAnvil } from '../core/testing/index.ts'
import { createTestDatabase, type TestDatabase } from './support/database.ts'
import { type ForensicScene, playForensicScene } from './support/forensicScene.ts'
import { createIndexerRig, type IndexerRig, watchedThing } from './support/indexer.ts'

let anvil: Anvil | undefined
let database: TestDatabase
let rig: IndexerRig | undefined
let reader: pg.Client | undefined
let scene: ForensicScene
let queries: ReadonlyMap<string, { readonly language: string; readonly text: string }>

const readQueries = async () => {
  const file = fileURLToPath(new URL('../docs/forensics.md', import.meta.url))
  const found = new Map<string, { language: string; text: string }>()
  for (const section of (await readFile(file, 'utf8')).split(/^## /m).slice(1)) {
    const title = section.slice(0, section.indexOf('\n'))
    const fence = /```(sql|graphql)\n([\s\S]*?)```/.exec(section)
    if (fence)
      found.set(title.split('.')[0] ?? title, { language: fence[1] ?? '', text: fence[2] ?? '' })
  }
  return found
}

/** What the watcher, the notifier and the signer would have stored. */
const storeIncident = async ({ drain, drainedAtS, pauseTx }: ForensicScene): Promise<void> => {
  const { db } = database
  await db.insert(tables.incident).values({
    id: 'i_1',
    subject: 'demo',
    status: 'open',
    severity: 'SEV1',
    title: 'The vault is drained',
  })
  await db.insert(tables.finding).values({
    id: 'f_1',
    botId: 'tvl-drop',
    botVersion: '1',
    alertId: 'TVL-DROP',
    alertKind: 'event',
    chainId: 31_337,
    blockNumber: drain.blockNumber,
    blockHash: drain.blockHash,
    blockTimestampS: drainedAtS,
    txHash: drain.txHash,
    uniqueKey: 'vault',
    name: 'The vault lost a third',
    description: 'in one block',
    severity: 'Critical',
    type: 'Exploit',
    thing: 'vault',
    status: 'final',
  })
  await db.insert(tables.alert).values({
    id: 'a_1',
    key: 'tvl-drop/vault',
    kind: 'event',
    status: 'open',
    severity: 'SEV1',
    title: 'Vault drained',
    summary: '',
    botId: 'tvl-drop',
    alertId: 'TVL-DROP',
    chainId: 31_337,
    thing: 'vault',
    incidentId: 'i_1',
    firstBlock: drain.blockNumber,
    lastBlock: drain.blockNumber,
  })
  await db.insert(tables.alertFinding).values({ alertId: 'a_1', findingId: 'f_1' })
  await db.insert(tables.execution).values({
    id: 'e_1',
    idempotencyKey: 'pause/vault/1',
    actionId: 'pause',
    chainId: 31_337,
    findingId: 'f_1',
    thing: 'vault',
    status: 'succeeded',
    minedTxHash: pauseTx,
  })
}

beforeAll(async () => {
  queries = await readQueries()
  database = await createTestDatabase()
  anvil = await startAnvil()
  scene = await playForensicScene(anvil)
  const { demo } = scene
  rig = await createIndexerRig({
    anvil,
    database,
    watch: [
      watchedThing({ name: 'usd', kind: 'token', address: demo.usd.address }),
      watchedThing({ name: 'vault', kind: 'vault', address: demo.vault.address }),
      watchedThing({ name: 'pair', kind: 'pool', address: demo.pair.address }),
      watchedThing({ name: 'governor', kind: 'governor', address: demo.governor.address }),
      watchedThing({ name: 'timelock', kind: 'timelock', address: demo.timelock.address }),
      watchedThing({ name: 'safe', kind: 'multisig', address: demo.safe.address }),
      watchedThing({ name: 'positions', kind: 'contract', address: demo.positions.address }),
    ],
  })
  await rig.start()
  await storeIncident(scene)
  await rig.untilCaughtUp()
  await database.pool.query("alter role tocsin_reader password 'reader'")
  const url = new URL(database.url)
  url.username = 'tocsin_reader'
  url.password = 'reader'
  reader = new pg.Client({ connectionString: url.href })
  await reader.connect()
})
afterAll(async () => {
  await reader?.end()
  await rig?.stop()
  await database?.drop()
  await anvil?.stop()
})

const sql = async (number: string, values: Readonly<Record<string, string | number>> = {}) => {
  const query = queries.get(number)
  expect(query?.language).toBe('sql')
  const text = (query?.text ?? '').replace(/:'(\w+)'/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`the query asks for ${name}`)
    return `'${value}'`
  })
  return (await reader?.query(text))?.rows ?? []
}

const graphql = async (number: string, variables: Readonly<Record<string, unknown>>) => {
  const query = queries.get(number)
  expect(query?.language).toBe('graphql')
  const answer = await rig?.graphql(query?.text ?? '', variables)
  expect(answer?.errors).toBeUndefined()
  return answer?.data
}

test('the page has ten questions and the one about the unreadable', () => {
  expect([...queries.keys()]).toEqual([
    ...Array.from({ length: 10 }, (_, index) => String(index + 1)),
    'What nobody could read',
  ])
})

test('1: the attacker got a role of the vault and moved its dollars next', async () => {
  const rows = await sql('1', { thing: 'vault' })
  const moved = rows.filter(({ account, value }) => account === scene.attacker && value !== null)
  expect(moved.map(({ value, moved_to }) => [value, moved_to])).toEqual([
    ['1000000', scene.attacker],
  ])
  expect(moved[0]).toMatchObject({ contract: 'vault', granted_by: scene.attacker })
})

test('2: the attacker has what vault and victim lost', async () => {
  const rows = await sql('2', { token: scene.demo.usd.address, from: scene.drainedAtS - 60 })
  const net = new Map(rows.map(({ account, net }) => [account, net]))
  expect(net.get(scene.attacker)).toBe('1002000')
  expect(net.get(scene.victim)).toBe('-2000')
  expect(net.get(scene.demo.vault.address)).toBe('-1000000')
})

test('3: the finding leads to its transaction, alert, incident and answer', async () => {
  expect(await graphql('3', { id: 'f_1' })).toMatchObject({
    finding: {
      name: 'The vault lost a third',
      transaction: {
        fromAddress: scene.attacker,
        toAddress: scene.demo.vault.address,
        events: { items: [{ thing: 'usd', name: 'Transfer', args: { value: '1000000' } }] },
        transfers: { items: [{ toAddress: scene.attacker, value: '1000000' }] },
        findings: { items: [{ botId: 'tvl-drop' }] },
      },
      alerts: { items: [{ alert: { title: 'Vault drained', incident: { id: 'i_1' } } }] },
      executions: { items: [{ actionId: 'pause', minedTxHash: scene.pauseTx }] },
    },
  })
})

test('4: the incident is told in order', async () => {
  const rows = await sql('4', { incident: 'i_1' })
  expect(new Set(rows.map(({ what, detail }) => `${what}: ${detail}`))).toEqual(
    new Set([
      'finding: tvl-drop: The vault lost a third',
      'chain: vault paused',
      'alert: SEV1 Vault drained',
      'answer: pause asked for',
    ]),
  )
  const times = rows.map(({ at }) => Number(at))
  expect(times).toEqual([...times].sort((a, b) => a - b))
})

test('5: the proxy had two implementations', async () => {
  expect(await graphql('5', { proxy: scene.demo.vault.address })).toMatchObject({
    upgrades: {
      totalCount: 2,
      items: [
        { implementation: scene.demo.vaultImplementation.address, contract: { name: 'vault' } },
        {
          implementation: scene.newImplementation,
          transaction: { fromAddress: scene.demo.safe.address },
        },
      ],
    },
  })
})

test('6: the whale left before the drain', async () => {
  const rows = await sql('6', { drained_at: scene.drainedAtS })
  expect(rows).toHaveLength(1)
  expect(rows[0]).toMatchObject({ pool: 'pair', owner: scene.demo.actors.whale.address })
  expect(Number(rows[0].seconds_before)).toBeGreaterThanOrEqual(0)
})

test('7: the victim has approved the attacker', async () => {
  const rows = await sql('7', { spender: scene.attacker })
  expect(rows.map(({ token, owner }) => [token, owner])).toEqual([['usd', scene.victim]])
})

test('8: the operation came about by a vote', async () => {
  const rows = await sql('8', { operation: scene.operation })
  expect(rows.map(({ step }) => step).sort()).toEqual([
    'created',
    'executed',
    'queued',
    'timelock executed',
    'timelock scheduled',
    'vote',
  ])
  expect(rows[0]).toMatchObject({ step: 'created', detail: 'Shorten the delay' })
})

test('9: the Safe has a new owner', async () => {
  const data = await graphql('9', { safe: scene.demo.safe.address })
  expect(data?.['safeChanges']).toMatchObject({
    items: [
      { change: 'threshold_changed', threshold: '1' },
      { change: 'owner_added', subject: scene.attacker },
      { change: 'setup', threshold: '2' },
    ],
  })
})

test('10: the pause answered', async () => {
  expect(await graphql('10', { since: '0' })).toMatchObject({
    executions: {
      items: [
        {
          actionId: 'pause',
          finding: { name: 'The vault lost a third' },
          transaction: { events: { items: [{ thing: 'vault', name: 'Paused' }] } },
        },
      ],
    },
  })
})

test('behavior: what no ABI knows is counted by its topic', async () => {
  const rows = await sql('What nobody could read')
  expect(rows.length).toBeGreaterThan(0)
  for (const row of rows) expect(row.topic0).toMatch(/^0x[0-9a-f]{64}$/)
})

test('behavior: the reader reads, and cannot write, nor see what is closed', async () => {
  const ask = (text: string) => reader?.query(text)
  expect((await ask('select count(*)::int as n from event'))?.rows[0].n).toBeGreaterThan(50)
  await expect(ask('delete from finding')).rejects.toThrow('read-only transaction')
  await ask('set default_transaction_read_only = off')
  await expect(ask('delete from finding')).rejects.toThrow('permission denied')
  await expect(ask('delete from event')).rejects.toThrow('permission denied')
  await expect(ask('select * from outbox')).rejects.toThrow('permission denied')
  expect((await ask('show statement_timeout'))?.rows[0].statement_timeout).toBe('15s')
})

test('behavior: cursors walk through all findings and events of a filter', async () => {
  const page = async (after?: string) =>
    (await rig?.graphql(
      'query($after: String) { transfers(where: { value_gt: "0" }, orderBy: "id", limit: 7, after: $after) { totalCount items { id } pageInfo { hasNextPage endCursor } } }',
      { after },
    )) as {
      data: {
        transfers: {
          totalCount: number
          items: readonly { id: string }[]
          pageInfo: { hasNextPage: boolean; endCursor: string }
        }
      }
    }
  const ids: string[] = []
  let after: string | undefined
  for (let pages = 0; pages < 100; pages++) {
    const { transfers } = (await page(after)).data
    ids.push(...transfers.items.map(({ id }) => id))
    after = transfers.pageInfo.endCursor
    if (transfers.pageInfo.hasNextPage) continue
    expect(new Set(ids).size).toBe(transfers.totalCount)
    break
  }
  expect(ids).toEqual([...ids].sort())
})

test.each([
  [
    'too many rows',
    '{ findings(limit: 1000) { items { alerts(limit: 1000) { items { alertId } } } } }',
    'Ask for fewer',
  ],
  [
    'too many rows by a variable',
    'query($n: Int) { events(limit: $n) { items { transaction { events(limit: $n) { items { id } } } } } }',
    'Ask for fewer',
  ],
  [
    'too deep',
    `{ ${'transaction(chainId: 1, hash: "0x") { findings(limit: 1) { items { '.repeat(1)}${'transaction { findings(limit: 1) { items { '.repeat(8)}id${' } } }'.repeat(9)} }`,
    'depth',
  ],
  [
    'too many aliases',
    `{ ${Array.from({ length: 40 }, (_, i) => `a${i}: contracts(limit: 1) { items { name } }`).join(' ')} }`,
    'liases',
  ],
  ['not GraphQL', '{ events( }', 'cannot be read'],
])('error: %s is refused with the reason', async (_, query, reason) => {
  const answer = await rig?.graphql(query, { n: 1_000 })
  expect(answer?.data ?? null).toBeNull()
  expect(answer?.errors?.[0]?.message).toContain(reason)
})

test('error: a body that is too large is refused', async () => {
  const answer = await rig?.graphql(`{ contracts { items { name } } } # ${'x'.repeat(30_000)}`)
  expect(answer?.errors?.[0]?.message).toContain('20000 bytes')
})

test('behavior: every column that GraphQL shows of Tocsin is one of the store', async () => {
  const { rows } = await database.pool.query<{ name: string }>(
    "select table_name || '.' || column_name as name from information_schema.columns where table_schema = 'tocsin'",
  )
  const file = fileURLToPath(new URL('../src/api/stored.ts', import.meta.url))
  const source = await readFile(file, 'utf8')
  const known = new Set(rows.map(({ name }) => name))
  const shown: string[] = []
  for (const [, table, body] of source.matchAll(/tocsin\.table\(\s*'(\w+)',([\s\S]*?)\n\}?\)/g))
    for (const [, column] of (body ?? '').matchAll(
      /(?:text|block|integer|jsonb|numeric|epochMs)\('(\w+)'/g,
    ))
      shown.push(`${table}.${column}`)
  expect(shown.length).toBeGreaterThan(80)
  expect(shown.filter((name) => !known.has(name))).toEqual([])
})

test('behavior: every example of the query page is answered', async () => {
  const variables = {
    id: 'f_1',
    proxy: scene.demo.vault.address.toLowerCase(),
    from: scene.attacker.toLowerCase(),
  }
  for (const { name, query } of EXAMPLES) {
    const asked = Object.entries(variables).filter(([key]) => query.includes(`$${key}:`))
    const answer = await rig?.graphql(query, Object.fromEntries(asked))
    expect([name, answer?.errors]).toEqual([name, undefined])
  }
})
