import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { exportJsonSchema, loadConfig } from './index.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

test('behavior: docs/watchlist.schema.json is what the schema says today', () => {
  const written: unknown = JSON.parse(
    readFileSync(here('../../docs/watchlist.schema.json'), 'utf8'),
  )
  // When this fails: `tocsin check --schema > docs/watchlist.schema.json`
  expect(written).toEqual(JSON.parse(JSON.stringify(exportJsonSchema())))
})

test('behavior: the exported schema knows the kinds, the required keys and no others', () => {
  const text = JSON.stringify(exportJsonSchema())
  for (const kind of ['lending-market', 'multisig', 'timelock', 'bridge', 'label'])
    expect(text).toContain(`"const":"${kind}"`)
  expect(exportJsonSchema()).toMatchObject({
    required: ['version', 'name', 'chains', 'watch'],
    additionalProperties: false,
  })
})

test('behavior: the example watchlist is well-formed and needs no secrets to be read', async () => {
  const config = await loadConfig({ file: here('../../watchlist.yaml'), secrets: 'none' })
  expect(new Set(config.watch.map(({ kind }) => kind)).size).toBeGreaterThanOrEqual(8)
  expect(config.chains[0]?.rpc[0]).toMatchObject({ http: '' })
})
