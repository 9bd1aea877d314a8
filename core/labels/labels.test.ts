import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import type { LabelRow } from '../config/index.ts'
import {
  addressesIn,
  findLabels,
  importLabels,
  listImported,
  listLabelSources,
  nameAddresses,
  nameInText,
  readLabelRevision,
  removeLabels,
} from './index.ts'

const A = '0x28c6c06298d514db089934071355e5743bf21d60'
const B = '0x21a31ee1afc51d94c2efccaa2092ad1028285549'
let store: TestDatabase
beforeAll(async () => {
  store = await createTestDatabase()
})
afterAll(() => store?.drop())

const row = (address: LabelRow['address'], name: string, chainId?: number): LabelRow => ({
  address,
  name,
  tags: ['exchange'],
  chainId,
  origin: undefined,
})

test('behavior: an import replaces its own list and no other; precedence; removal', async () => {
  expect(await readLabelRevision(store.db)).toBe('')
  expect(await importLabels(store.db, 'one', [row(A, 'a'), row(B, 'b')])).toEqual({
    added: 2,
    changed: 0,
    unchanged: 0,
    removed: 0,
    total: 2,
  })
  const before = await readLabelRevision(store.db)
  expect(await importLabels(store.db, 'two', [row(A, 'a of mainnet', 1)])).toMatchObject({
    total: 3,
  })
  expect(await importLabels(store.db, 'one', [row(A, 'a again')])).toEqual({
    added: 0,
    changed: 1,
    unchanged: 0,
    removed: 1,
    total: 2,
  })
  expect(await readLabelRevision(store.db)).not.toBe(before)
  expect((await listImported(store.db, 1)).map(({ name }) => name)).toEqual([
    'a of mainnet',
    'a again',
  ])
  expect((await listImported(store.db, 10)).map(({ name }) => name)).toEqual(['a again'])
  expect(await listLabelSources(store.db)).toMatchObject([
    { source: 'one', labels: 1, importedAt: expect.any(Date) },
    { source: 'two', labels: 1 },
  ])
  const labels = { files: [], rows: [{ ...row(A, 'of the file'), source: 'file' }] }
  expect((await findLabels(store.db, { labels }, 1, [A])).map(({ name }) => name)).toEqual([
    'of the file',
    'a of mainnet',
    'a again',
  ])
  expect(await removeLabels(store.db, { source: 'two' })).toBe(1)
  expect(await nameAddresses(store.db, {}, 1, [A.toUpperCase().replace('0X', '0x'), B])).toEqual(
    new Map([[A, 'a again']]),
  )
  expect(await nameAddresses(store.db, {}, 0, [A])).toEqual(new Map())
})

test('error: more than a quarter of a million leave the table as it was', async () => {
  const many = Array.from({ length: 250_001 }, (_, at) =>
    row(`0x${at.toString(16).padStart(40, '0')}`, 'x'),
  )
  const before = await listLabelSources(store.db)
  await expect(importLabels(store.db, 'many', many)).rejects.toMatchObject({
    code: 'labels.too_many',
  })
  expect(await listLabelSources(store.db)).toEqual(before)
})

test('behavior: names in a text, once, and not where a name stands already', () => {
  const names = new Map([[A, 'Binance 14']])
  const text = `from ${A.toUpperCase().replace('0X', '0x')} to ${B}, dao (${A}), 0x${'ab'.repeat(32)}`
  expect(nameInText(text, names)).toBe(
    `from Binance 14 (${A.toUpperCase().replace('0X', '0x')}) to ${B}, dao (${A}), 0x${'ab'.repeat(32)}`,
  )
  expect(addressesIn(text)).toEqual([A, B])
})
