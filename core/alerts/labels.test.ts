import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { importLabels } from '../labels/index.ts'
import { foldFindings } from './foldFindings.ts'
import { findingOf, record, routingConfig, toldMessages } from './testSupport.ts'

const A = '0x28c6c06298d514db089934071355e5743bf21d60'
const B = '0x21a31ee1afc51d94c2efccaa2092ad1028285549'
let store: TestDatabase
beforeAll(async () => {
  store = await createTestDatabase()
})
afterAll(() => store?.drop())

test('behavior: an address in a message is shown with its label, cleaned; evidence stays as it was', async () => {
  const label = { address: A, tags: [], chainId: undefined, origin: undefined } as const
  await importLabels(store.db, 'list', [{ ...label, name: 'Bin\u202Eance 14' }])
  const rows = [{ ...label, address: B, name: 'Our vault', source: 'file' } as const]
  await record(
    store,
    findingOf({
      description: `5 went from ${A} to ${B}.`,
      addresses: [A],
      metadata: { recipient: B },
    }),
  )
  await foldFindings({ db: store.db, config: routingConfig({ labels: { files: [], rows } }) })
  const [message] = await toldMessages(store)
  expect(message).toMatchObject({
    summary: `5 went from Bin ance 14 (${A}) to Our vault (${B}).`,
    labels: { [A]: 'Bin ance 14', [B]: 'Our vault' },
    addresses: [A],
    evidence: { recipient: B },
  })
})
