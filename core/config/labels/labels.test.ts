import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { loadConfig } from '../loadConfig.ts'
import { watchConfig } from '../watchConfig.ts'
import { labelsOfConfig } from './labelsOfConfig.ts'
import { type ReadLabelOptions, readLabelFile } from './readLabelFile.ts'

const A = '0x28c6c06298d514db089934071355e5743bf21d60'
const A_SUMMED = '0x28C6c06298d514Db089934071355E5743bf21d60'
const B = '0x21a31ee1afc51d94c2efccaa2092ad1028285549'
const folder = mkdtempSync(join(tmpdir(), 'labels-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const chains = { mainnet: 1, l2: 10 }
const read = (text: string, options: Partial<ReadLabelOptions> = {}, name = 'list.csv') => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return readLabelFile(path, { chains, shownFile: name, ...options })
}
const brief = (text: string, options: Partial<ReadLabelOptions> = {}) => {
  const { rows, faults } = read(text, options)
  expect(faults).toEqual([])
  return rows.map(({ address, name, tags, chainId }) => [address, name, tags, chainId])
}

describe('shapes', () => {
  test.each([
    ['no header', `${A},Binance 14\n`, [A, 'Binance 14', [], undefined]],
    ['no header, with a type', `${A},Binance 14,CEX`, [A, 'Binance 14', ['exchange'], undefined]],
    ['name first', `Binance 14,${A},cex,mainnet`, [A, 'Binance 14', ['exchange'], 1]],
    ['header', `address,label\r\n${A},Binance 14\r\n`, [A, 'Binance 14', [], undefined]],
    [
      'name and type',
      `address,name,type\n${A},B,Deposit Wallet`,
      [A, 'B', ['exchange-deposit'], undefined],
    ],
    ['upper case', `${A.toUpperCase()},B,x`, [A, 'B', ['x'], undefined]],
    ['checksummed', `${A_SUMMED},B,x`, [A, 'B', ['x'], undefined]],
    [
      'an explorer',
      `"Address","Name Tag","Balance","Txn Count"\n"${A_SUMMED}","Binance: Hot, ""14""","1,234 ETH","9"`,
      [A, 'Binance: Hot, "14"', [], undefined],
    ],
    [
      'a warehouse',
      `blockchain,address,name,category,contributor\nethereum,${A},Binance 14,institution,me`,
      [A, 'Binance 14', ['institution'], 1],
    ],
    [
      'address, label, name tag',
      `\uFEFFaddress,label,nameTag\n${A},exchange,Binance 14`,
      [A, 'Binance 14', ['exchange'], undefined],
    ],
    [
      'semicolons',
      `address;name;tags\n${A};B;cex|hot wallet`,
      [A, 'B', ['exchange', 'hot-wallet'], undefined],
    ],
    ['tabs', `address\tname\ttags\tchain_id\n${A}\tB\tbridge\t10`, [A, 'B', ['bridge'], 10]],
    [
      'remarks and gaps',
      `# mine\n\naddress,name\n\n# more\n${A},mixer\n`,
      [A, 'mixer', ['mixer'], undefined],
    ],
    ['a decentralised one keeps its own tag', `${A},U,DEX`, [A, 'U', ['dex'], undefined]],
    ['a break within quotes', `address,name\n${A},"two\nlines"`, [A, 'two lines', [], undefined]],
  ])('behavior: %s', (_, text, expected) => {
    expect(brief(text)).toEqual([expected])
  })

  test('behavior: rows of one address become one label with the tags of all', () => {
    const { rows, merged } = read(`${A},Binance 14,cex\n${A},Binance 14,hot\n${A},other,,mainnet`)
    expect(merged).toBe(1)
    expect(rows.map(({ tags, chainId }) => [tags, chainId])).toEqual([
      [['exchange', 'hot'], undefined],
      [[], 1],
    ])
  })

  test('behavior: chain and tags given for the whole file; what is not used is told', () => {
    const file = read(`address,name,balance\n${A},B,5`, { chainId: 1, tags: ['exchange'] })
    expect(file.rows).toMatchObject([{ chainId: 1, tags: ['exchange'] }])
    expect(file.ignored).toEqual(['balance'])
  })

  test('behavior: hostile names are cleaned and bounded', () => {
    const [row] = read(`${A},"Bin\u202Eance\u0007 ${'x'.repeat(500)}"`).rows
    expect(row?.name).toMatch(/^Bin ance x+…$/)
    expect([...(row?.name ?? '')]).toHaveLength(100)
  })

  test('behavior: YAML and JSON', () => {
    const yaml = `labels:\n  - address: ${A}\n    name: Binance 14\n    tags: [cex]\n    chain: mainnet\n`
    expect(read(yaml, {}, 'list.yaml').rows).toMatchObject([
      { address: A, name: 'Binance 14', tags: ['exchange'], chainId: 1 },
    ])
    const json = JSON.stringify({ labels: [{ address: B, name: 'x', source: 'us' }] })
    expect(read(json, {}, 'list.json').rows).toMatchObject([{ address: B, origin: 'us' }])
  })
})

describe('faults', () => {
  test('error: each with line, column and mend; good rows are counted, not taken', () => {
    const text = [
      'address,name,tags,chain',
      `${A},good,exchange,`,
      '0x123,short,,',
      `${A_SUMMED.replace('28C6', '28c6')},sum,,`,
      `${B},,,`,
      `${B},chain,,mainet`,
      `${B},tag,${'x'.repeat(41)},`,
    ].join('\n')
    const { faults, faulty, rows } = read(text)
    expect(faults.map(({ line, column, problem }) => [line, column, problem])).toEqual([
      [3, 1, '"0x123" is not an address'],
      [4, 1, 'the capitals of this address do not fit its digits (EIP-55 checksum)'],
      [5, 44, 'the name is missing'],
      [6, 51, 'there is no chain "mainet"'],
      [7, 48, `the tag "${'x'.repeat(41)}" is too long`],
    ])
    expect(faults[3]?.mend).toContain('Did you mean "mainnet"?')
    expect([faulty, rows.length]).toEqual([5, 1])
  })

  test.each([
    ['', 'the file holds no labels'],
    ['a,b\nc,d', 'no column holds an address'],
    [`${A},"open`, 'a quote begins here and is never closed'],
    [`${A},\u0000`, 'the file is not text in UTF-8'],
  ])('error: %j', (text, problem) => {
    expect(read(text).faults).toMatchObject([{ problem }])
  })

  test('error: a thousand faults are counted, fifty are told; a missing file; YAML of another shape', () => {
    const many = read(
      Array.from({ length: 1_000 }, (_, at) => `0x${at},x`)
        .join('\n')
        .replace(/^/, `address,name\n`),
    )
    expect([many.faulty, many.faults.length]).toEqual([1_000, 50])
    expect(readLabelFile(join(folder, 'none.csv'), { chains }).faults).toMatchObject([
      { problem: 'there is no such file' },
    ])
    expect(read(`- ${A}`, {}, 'list.yaml').faults[0]?.mend).toContain('labels:')
    expect(
      read(`labels:\n  - addres: ${A}\n    name: x`, {}, 'list.yaml').faults.length,
    ).toBeGreaterThan(0)
  })
})

test('behavior: a hundred thousand rows', () => {
  const rows = Array.from(
    { length: 100_000 },
    (_, at) => `0x${at.toString(16).padStart(40, '0')},Wallet ${at},exchange`,
  )
  const file = read(`address,name,tags\n${rows.join('\n')}`)
  expect([file.rows.length, file.faulty]).toEqual([100_000, 0])
})

const watchlist = (labels: string): string => `version: 1
name: test
chains:
  mainnet: { id: 1, rpc: [{ http: http://127.0.0.1:8545 }] }
watch:
  - { kind: token, name: usd, chain: mainnet, address: '${B}' }
labels: ${labels}
`
const load = (labels: string) => {
  const file = join(folder, 'watchlist.yaml')
  writeFileSync(file, watchlist(labels))
  return loadConfig({ file, secrets: 'none' })
}

test('behavior: the watchlist names files; its own words come before theirs, a chain before all chains', async () => {
  writeFileSync(
    join(folder, 'one.csv'),
    `${A},everywhere,x\n${A},here,cex,mainnet\n${B},stranger,x`,
  )
  const config = await load('[one.csv]')
  const all = labelsOfConfig(config, 1)
  expect(all.map(({ address, name, source }) => [address, name, source])).toEqual([
    [B, 'usd', 'watchlist'],
    [A, 'here', 'one'],
    [A, 'everywhere', 'one'],
    [B, 'stranger', 'one'],
  ])
  expect(labelsOfConfig(config, 10).map(({ name }) => name)).toEqual(['everywhere', 'stranger'])
})

test('error: faults of a label file are faults of the watchlist', async () => {
  writeFileSync(join(folder, 'bad.csv'), `${A},ok,x\nnonsense,x`)
  await expect(load('[{ file: bad.csv, chain: mainet }, bad.csv, none.csv]')).rejects.toMatchObject(
    {
      code: 'config.invalid',
      hints: expect.arrayContaining([
        expect.stringContaining('bad.csv:2:1: "nonsense" is not an address'),
        expect.stringContaining('there is no chain "mainet"'),
        expect.stringContaining('this file stands here already'),
        expect.stringContaining('none.csv:1:1: there is no such file'),
      ]),
    },
  )
})

test('behavior: a changed file of labels is taken up; a faulty one changes nothing', async () => {
  const file = join(folder, 'live.csv')
  writeFileSync(file, `${A},before,x`)
  const seen: (string | undefined)[] = []
  const errors: unknown[] = []
  const watching = await watchConfig({
    load: () => load('[live.csv]'),
    onChange: (config, changes, needsRestart) => {
      seen.push(config.labels?.rows[0]?.name, ...changes.map(({ path }) => path))
      expect(needsRestart).toEqual([])
    },
    onError: (error) => errors.push(error),
    pollMs: 50,
    debounceMs: 20,
  })
  try {
    writeFileSync(file, `${A},after,x`)
    await vi.waitFor(() => expect(seen).toEqual(['after', 'labels.rows']), { timeout: 20_000 })
    writeFileSync(file, 'nonsense')
    await vi.waitFor(() => expect(errors.length).toBeGreaterThan(0), { timeout: 20_000 })
    expect(watching.current().labels?.rows[0]?.name).toBe('after')
  } finally {
    await watching.stop()
  }
})
