import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeFunctionData, parseAbi } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadConfig } from '../../config/index.ts'
import { defineMonitorBot, type MonitorBot, parseExpression } from '../../engine/monitors/index.ts'
import { type Anvil, startAnvil } from '../../testing/anvil.ts'
import { runBotOnAnvil } from '../../testing/runBotOnAnvil.ts'
import { readFolder } from './readFolder.ts'
import { type Translation, translate } from './translate.ts'

const EMITTER = '0x00000000000000000000000000000000000e317e'
const ABI = [
  {
    type: 'event',
    name: 'Transfer',
    anonymous: false,
    inputs: [
      { name: 'from', type: 'address', indexed: true },
      { name: 'to', type: 'address', indexed: true },
      { name: 'value', type: 'uint256', indexed: false },
    ],
  },
  {
    type: 'function',
    name: 'transfer',
    stateMutability: 'nonpayable',
    inputs: [
      { name: 'to', type: 'address' },
      { name: 'value', type: 'uint256' },
    ],
    outputs: [{ type: 'bool' }],
  },
]

const monitor = (name: string, changes: object = {}) => ({
  name,
  paused: false,
  networks: ['anvil_local'],
  addresses: [{ address: EMITTER, contract_spec: ABI }],
  match_conditions: { functions: [], events: [], transactions: [] },
  trigger_conditions: [],
  triggers: ['ops_slack'],
  ...changes,
})
const match = (events: object[], functions: object[], transactions: object[]) => ({
  match_conditions: { events, functions, transactions },
})
const TRANSFER = 'Transfer(address,address,uint256)'

let folder: string
let anvil: Anvil
let translation: Translation
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ozm-'))
  const put = (path: string, value: unknown): void => {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    writeFileSync(join(folder, path), text)
  }
  for (const part of ['monitors', 'networks', 'triggers']) mkdirSync(join(folder, part))
  anvil = await startAnvil({ automine: true })
  put('networks/anvil.json', {
    network_type: 'EVM',
    slug: 'anvil_local',
    name: 'Anvil',
    rpc_urls: [{ type_: 'rpc', url: { type: 'plain', value: anvil.url }, weight: 100 }],
    chain_id: anvil.chainId,
    block_time_ms: 1000,
    confirmation_blocks: 2,
    cron_schedule: '*/5 * * * * *',
  })
  put('networks/stellar.json', {
    network_type: 'Stellar',
    slug: 'stellar_mainnet',
    name: 'Stellar',
    rpc_urls: [],
    network_passphrase: 'Public',
    block_time_ms: 5000,
    confirmation_blocks: 2,
    cron_schedule: '0 * * * * *',
  })
  put('triggers/all.json', {
    ops_slack: {
      name: 'Slack',
      trigger_type: 'slack',
      config: {
        slack_url: { type: 'environment', value: 'SLACK_URL' },
        message: { title: 't', body: 'b' },
      },
    },
    fix_it: { name: 'Script', trigger_type: 'script', config: { script_path: './fix.py' } },
  })
  put(
    'monitors/1.json',
    monitor('Large Transfer', {
      ...match([{ signature: TRANSFER, expression: 'value > 1000' }], [], [{ status: 'Success' }]),
    }),
  )
  put(
    'monitors/2.json',
    monitor('Transfer called', {
      ...match(
        [],
        [
          {
            signature: 'transfer(address,uint256)',
            expression: 'value >= 5 AND to starts_with 0xaa',
          },
        ],
        [],
      ),
      triggers: ['ops_slack', 'fix_it', 'gone'],
      paused: true,
    }),
  )
  put(
    'monitors/3.json',
    monitor('Anything sent', match([], [], [{ status: 'Any', expression: 'value > 7' }])),
  )
  put('monitors/4.json', monitor('On Stellar', { networks: ['stellar_mainnet'] }))
  put(
    'monitors/5.json',
    monitor('Scripted', {
      trigger_conditions: [{ script_path: './f.py', language: 'Python', timeout_ms: 1000 }],
      ...match([{ signature: TRANSFER, expression: 'value ~ 1' }], [], []),
    }),
  )
  put('monitors/6.json', '{ not json')
  translation = translate(readFolder(folder), 'Moved here')
}, 120_000)
afterAll(async () => {
  await anvil?.stop()
  if (folder) rmSync(folder, { recursive: true, force: true })
})

/** The definition as the generated file has it. */
const definitionOf = (id: string): MonitorBot => {
  const text = translation.files[`bots/${id}/bot.ts`] ?? ''
  const [, json = '{}'] = /defineMonitorBot\(([\s\S]*)\)\n$/.exec(text) ?? []
  return JSON.parse(json) as MonitorBot
}

test('behavior: what has no like here is told, and nothing is dropped without a word', () => {
  expect(translation.bots).toEqual([
    'ozm-large-transfer',
    'ozm-transfer-called',
    'ozm-anything-sent',
  ])
  const left = translation.left.join('\n')
  for (const part of [
    'monitors/6.json',
    'waited for 2 confirmations',
    'trigger ops_slack: its template',
    'there is no channel like "script"',
    'there is no trigger gone',
    'stellar_mainnet is of Stellar',
    'filter scripts are not run',
    'without what was left out it would find something else',
  ])
    expect(left).toContain(part)
})

test('behavior: the watchlist is one that Tocsin takes', async () => {
  writeFileSync(join(folder, 'watchlist.yaml'), translation.files['watchlist.yaml'] ?? '')
  const bots = translation.bots.map((id) => defineMonitorBot(definitionOf(id)))
  const config = await loadConfig({
    file: join(folder, 'watchlist.yaml'),
    secrets: ['channels'],
    environment: { SLACK_URL: 'https://hooks.slack.example/x' },
    bots,
  })
  expect(config.watch.map(({ address }) => address)).toEqual([EMITTER])
  expect(config.bots['ozm-transfer-called']).toMatchObject({ enabled: false })
  expect(config.channels.map(({ kind }) => kind)).toEqual(['console', 'slack-webhook'])
})

test('behavior: on a chain its bots find what the monitors would, and nothing else', async () => {
  // Emits Transfer(caller, caller, third word of its calldata), or reverts where that is zero.
  const topic = 'ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
  const code = `0x60243580600a575f80fd5b5f523333${`7f${topic}`}60205fa300`
  await anvil.rpc('anvil_setCode', [EMITTER, code])
  const [from] = await anvil.rpc<string[]>('eth_accounts')
  const call = async (to: `0x${string}`, value: bigint, wei = 0n): Promise<string> => {
    const data = encodeFunctionData({
      abi: parseAbi(['function transfer(address to, uint256 value)']),
      args: [to, value],
    })
    const tx = { from, to: EMITTER, data, value: `0x${wei.toString(16)}`, gas: '0x30d40' }
    return anvil.rpc<string>('eth_sendTransaction', [tx])
  }
  const aa = `0x${'aa'.repeat(20)}` as const
  const bb = `0x${'bb'.repeat(20)}` as const
  const exact = await call(bb, 1_000n)
  const large = await call(bb, 1_001n)
  const named = await call(aa, 5n)
  const small = await call(aa, 4n)
  const paid = await call(bb, 1n, 8n)
  expect(new Set([exact, large, named, small, paid]).size).toBe(5)
  const found = async (id: string) => {
    const definition = definitionOf(id)
    const [name = ''] = definition.things
    const rows = await runBotOnAnvil(defineMonitorBot(definition), anvil, {
      things: [{ kind: 'contract', name, address: EMITTER }],
      from: 1,
      traces: false,
    })
    return rows.map(({ txHash }) => txHash)
  }
  expect(await found('ozm-large-transfer')).toEqual([large])
  expect(await found('ozm-transfer-called')).toEqual([named])
  expect(await found('ozm-anything-sent')).toEqual([paid])
})

test('behavior: expressions bind and compare as the monitors have it', () => {
  const facts = { value: 10n ** 30n, to: '0xAbC0', list: [1n, 2n], pair: { a: 'X' }, '0': 7n }
  const judge = (text: string): boolean => parseExpression(text)(facts)
  expect(judge('value > 999999999999999999999999999999')).toBe(true)
  expect(judge('value > 1000000000000000000000000000000')).toBe(false)
  expect(judge("to == '0xABC0' AND to ends_with c0")).toBe(true)
  expect(judge('to != 0xabc0 OR list contains 2 AND 0 == 7')).toBe(true)
  expect(judge('(to != 0xabc0 OR list contains 2) AND 0 == 8')).toBe(false)
  expect(judge('pair.a == x AND list[1] <= 2')).toBe(true)
  expect(judge('missing == 1 OR missing != 1')).toBe(false)
})

test.each(['value >', 'value ~ 1', '(value > 1', 'value > 1 value', '> 1', ''])(
  'error: the expression %j is not understood',
  (text) => {
    expect(() => parseExpression(text)).toThrow(/The expression/)
  },
)
