import { createRequire } from 'node:module'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { tables } from '../../store/index.ts'
import { type RpcServer, serveRpc } from '../host/serveRpc.ts'
import { createFortaApi, type FortaApi } from './createApi.ts'

type Page<T, C> = {
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: C }
} & T
type Alert = {
  readonly alertId: string
  readonly hash: string
  readonly severity: string
  readonly source: {
    readonly bot: { readonly id: string }
    readonly block: { readonly number: number }
  }
  readonly labels: readonly { readonly label: string; readonly entityType: number }[]
  readonly hasAddress: (address: string) => boolean
}
type Label = {
  readonly entity: string
  readonly label: string
  readonly entityType: number
  readonly metadata: Record<string, string>
  readonly source: { readonly bot: { readonly id: string } }
}
const { getAlerts, getLabels, sendAlerts, Finding } = createRequire(import.meta.url)(
  'forta-agent',
) as {
  readonly getAlerts: (
    query: object,
  ) => Promise<Page<{ readonly alerts: readonly Alert[] }, object>>
  readonly getLabels: (
    query: object,
  ) => Promise<Page<{ readonly labels: readonly Label[] }, object>>
  readonly sendAlerts: (input: object) => Promise<unknown>
  readonly Finding: { readonly fromObject: (from: object) => object }
}
const BOT_ID = `0x${'cd'.repeat(32)}`
const ENTITY = `0x${'e'.repeat(40)}`

let store: TestDatabase
let server: RpcServer
let api: FortaApi

const row = (n: number, more: Partial<typeof tables.finding.$inferInsert> = {}) => ({
  id: n.toString(16).padStart(64, '0'),
  botId: 'hosted',
  botVersion: '1',
  alertId: n % 2 === 0 ? 'EVEN' : 'ODD',
  alertKind: 'event' as const,
  chainId: 1,
  blockNumber: 100 + n,
  blockHash: `0x${'b'.repeat(64)}`,
  blockTimestampS: 1_700_000_000 + n,
  uniqueKey: '',
  name: 'Found',
  description: 'It was found.',
  severity: 'High',
  type: 'Suspicious',
  status: 'provisional' as const,
  ...more,
})

beforeAll(async () => {
  store = await createTestDatabase()
  await store.db.insert(tables.finding).values([
    ...Array.from({ length: 5 }, (_, n) => row(n)),
    row(5, {
      botId: 'own',
      severity: 'Critical',
      addresses: [ENTITY],
      labels: [{ entity: ENTITY, label: 'scammer', confidence: 0.9 }],
      metadata: {
        'forta.labels': JSON.stringify([
          {
            entity: ENTITY,
            label: 'scammer',
            confidence: 0.9,
            entityType: 'Address',
            remove: false,
            metadata: { a: 'b' },
          },
        ]),
      },
    }),
    row(6, { status: 'retracted' }),
    row(7, { chainId: 5 }),
  ])
  api = createFortaApi({
    store,
    nameOf: (id) => (id === BOT_ID ? 'hosted' : id),
    idOf: (name) => (name === 'hosted' ? BOT_ID : name),
  })
  server = await serveRpc(
    { answer: async () => '"result":null', note: () => undefined },
    { other: async (path, body) => (path === '/graphql' ? api.answer(body) : undefined) },
  )
  process.env['FORTA_PUBLIC_API_PROXY_HOST'] = '127.0.0.1'
  process.env['FORTA_PUBLIC_API_PROXY_PORT'] = String(server.port)
})
afterAll(async () => {
  delete process.env['FORTA_PUBLIC_API_PROXY_HOST']
  delete process.env['FORTA_PUBLIC_API_PROXY_PORT']
  await server?.stop()
  await store?.drop()
})

test('behavior: the SDK reads findings as alerts, page by page, newest first; retracted ones are gone', async () => {
  const first = await getAlerts({ botIds: [BOT_ID], chainId: 1, first: 3 })
  expect(first.alerts.map(({ source }) => source.block.number)).toEqual([104, 103, 102])
  expect(first.alerts[0]).toMatchObject({
    alertId: 'EVEN',
    severity: 'HIGH',
    source: { bot: { id: BOT_ID } },
  })
  expect(first.pageInfo.hasNextPage).toBe(true)
  const second = await getAlerts({
    botIds: [BOT_ID],
    chainId: 1,
    first: 3,
    startingCursor: first.pageInfo.endCursor,
  })
  expect(second.alerts.map(({ source }) => source.block.number)).toEqual([101, 100])
  expect(second.pageInfo.hasNextPage).toBe(false)
})

test('behavior: alerts are narrowed by id, severity, address, height and order', async () => {
  const numbers = async (query: object): Promise<readonly number[]> =>
    (await getAlerts({ chainId: 1, ...query })).alerts.map(({ source }) => source.block.number)
  expect(await numbers({ alertIds: ['EVEN'], blockSortDirection: 'asc' })).toEqual([100, 102, 104])
  expect(await numbers({ severities: ['CRITICAL'] })).toEqual([105])
  expect(await numbers({ addresses: [ENTITY.toUpperCase().replace('0X', '0x')] })).toEqual([105])
  expect(
    await numbers({ blockNumberRange: { startBlockNumber: 101, endBlockNumber: 102 } }),
  ).toEqual([102, 101])
  expect(await numbers({ createdSince: 1_000 })).toEqual([])
  const [alert] = (await getAlerts({ botIds: ['own'] })).alerts
  expect(alert?.hasAddress(ENTITY)).toBe(true)
  expect(alert?.labels).toMatchObject([{ label: 'scammer', entityType: 1 }])
})

test('behavior: the SDK reads labels of findings', async () => {
  const { labels, pageInfo } = await getLabels({
    entities: [ENTITY],
    labels: ['scammer'],
    entityType: 'ADDRESS',
  })
  expect(labels).toMatchObject([
    {
      entity: ENTITY,
      label: 'scammer',
      entityType: 1,
      metadata: { a: 'b' },
      source: { bot: { id: 'own' } },
    },
  ])
  expect(pageInfo.hasNextPage).toBe(false)
  expect((await getLabels({ labels: ['other'] })).labels).toEqual([])
})

test('error: what is not served is said, and nothing is stored', async () => {
  const finding = Finding.fromObject({
    name: 'n',
    description: 'd',
    alertId: 'A',
    severity: 1,
    type: 4,
  })
  await expect(sendAlerts({ botId: BOT_ID, finding })).rejects.toThrow()
  expect(JSON.parse(await api.answer('{"query":"{ nothing }"}'))).toHaveProperty('errors')
  expect(JSON.parse(await api.answer('no json'))).toHaveProperty('errors')
  expect(
    JSON.parse(await api.answer(JSON.stringify({ query: `{ ${'alerts '.repeat(5_000)} }` }))),
  ).toHaveProperty('errors')
  expect(await store.db.select().from(tables.finding)).toHaveLength(8)
})
