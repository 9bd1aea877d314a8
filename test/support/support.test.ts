import { afterAll, expect, test } from 'vitest'
import { startAnvil } from '../../core/testing/index.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'

let database: TestDatabase | undefined
afterAll(() => database?.drop())

test('a migrated database and a chain are at hand', async () => {
  database = await createTestDatabase()
  const { rows } = await database.pool.query(
    "select count(*)::int as n from information_schema.tables where table_schema = 'tocsin'",
  )
  expect(rows[0].n).toBeGreaterThan(10)
  const anvil = await startAnvil()
  await anvil.rpc('evm_mine')
  expect(await anvil.rpc('eth_blockNumber')).toBe('0x1')
  await anvil.stop()
})
