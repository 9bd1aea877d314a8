import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { keccak256, stringToHex } from 'viem/utils'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Compat } from '../types.ts'
import { createEventMaker } from './buildEvents.ts'
import { loadSdk, type Sdk } from './loadAgent.ts'
import { createOldEventMaker } from './oldEvents.ts'
import type { BlockPayload } from './protocol.ts'
import { speedUp } from './speedUp.ts'

const packages = dirname(
  dirname(createRequire(import.meta.url).resolve('forta-agent/package.json')),
)
let dir: string
let sdk: Sdk
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tocsin-forta-events-'))
  await symlink(packages, join(dir, 'node_modules'))
  await mkdir(join(dir, 'src'))
  await writeFile(join(dir, 'src', 'agent.js'), 'module.exports = {}')
  sdk = loadSdk(join(dir, 'src', 'agent.js'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const FROM = `0x${'A1'.repeat(20)}`
const TOKEN = `0x${'c3'.repeat(20)}`
const HOLDER = 'd4'.repeat(20)
const TRANSFER = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
const APPROVAL = '0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925'
const [DEPLOY, CALL] = [`0x${'1'.repeat(64)}`, `0x${'2'.repeat(64)}`] as const
const MANY = keccak256(stringToHex('Many(uint8,int256,bool,bytes4,uint48,uint128,address)'))
const transaction = (hash: string, more: object) => ({
  hash,
  from: FROM,
  nonce: '0x0',
  gas: '0x5208',
  value: '0x0',
  input: '0x',
  r: '0x1',
  s: '0x1',
  v: '0x1',
  ...more,
})
const topic = (address: string): string => `0x${'0'.repeat(24)}${address}`
const log = (topics: readonly string[], data: string, index: number) => ({
  address: TOKEN,
  topics,
  data,
  logIndex: `0x${index.toString(16)}`,
  blockNumber: '0x7',
  blockHash: '0xb',
  transactionIndex: '0x1',
  transactionHash: CALL,
  removed: false,
})
const word = (value: number): string => value.toString(16).padStart(64, '0')
const PAYLOAD: BlockPayload = {
  block: {
    hash: '0xb',
    number: '0x7',
    timestamp: '0x64',
    miner: FROM,
    uncles: [],
    transactions: [
      transaction(DEPLOY, { to: null }),
      transaction(CALL, { to: TOKEN, gasPrice: '0x5' }),
    ],
  },
  logs: [
    log([TRANSFER, topic(HOLDER), topic('0'.repeat(40))], `0x${word(5)}`, 0),
    // Of the same topic, with nothing indexed: its data do not fit the usual ABI.
    log([TRANSFER], '0x', 1),
    log([APPROVAL, topic(HOLDER), topic(HOLDER)], `0x${word(6)}`, 2),
    log([], '0x', 3),
    log(
      [MANY],
      `0x${word(7)}${'f'.repeat(63)}e${word(1)}12345678${'0'.repeat(56)}${word(9)}${word(2 ** 40)}${word(0xab)}ff`,
      4,
    ),
    // Twice, since the first of a kind is read by ethers itself.
    log(
      [MANY],
      `0x${word(8)}${'F'.repeat(64)}${word(2)}abcdef01${'0'.repeat(56)}${word(1)}${word(0)}${word(0)}`,
      5,
    ),
    // More than its type holds, and too little.
    log([MANY], `0x${word(256)}${word(1).repeat(6)}`, 6),
    log([MANY], `0x${word(1)}`, 7),
    log([TRANSFER, `0x${'1'.repeat(64)}`, topic(HOLDER)], `0x${word(5)}`, 8),
  ],
  traces: [
    {
      type: 'create',
      transactionHash: DEPLOY,
      traceAddress: [],
      subtraces: 0,
      action: { from: FROM, init: '0x00' },
      result: { address: `0x${'E5'.repeat(20)}`, code: '0x', gasUsed: '0x1' },
    },
  ],
}

type Event = Record<string, unknown> & {
  readonly addresses: Record<string, true>
  readonly filterLog: (abi: unknown, address?: unknown) => readonly Record<string, unknown>[]
  readonly filterFunction: (abi: unknown, address?: unknown) => readonly unknown[]
}
const eventsOf = async (compat: Compat): Promise<readonly [Event, Event]> => {
  const made = await createEventMaker(sdk, compat, 31_337, 'http://127.0.0.1:9')(PAYLOAD)
  return [made.transaction(0) as Event, made.transaction(1) as Event]
}
const createdBy = (): string => {
  const { ethers } = sdk.require('forta-agent') as {
    readonly ethers: { readonly utils: { getContractAddress: (from: object) => string } }
  }
  return ethers.utils.getContractAddress({ from: FROM, nonce: 0 }).toLowerCase()
}

test('behavior: events say what the types of the SDK declare, deployments and topics included', async () => {
  const [deploy, call] = await eventsOf('sdk')
  expect(deploy).toMatchObject({ type: 0, network: 31_337, contractAddress: createdBy() })
  expect(Object.keys(deploy.addresses).sort()).toEqual(
    [FROM.toLowerCase(), createdBy(), `0x${'e5'.repeat(20)}`].sort(),
  )
  expect(call).toMatchObject({ contractAddress: null, block: { number: 7, timestamp: 100 } })
  // Nodes send texts that are empty, and public bots call their methods without asking.
  expect(deploy['traces']).toMatchObject([
    { error: '', action: { to: '', input: '', value: '', init: '0x00' }, result: { output: '' } },
  ])
  expect(Object.keys(call.addresses).sort()).toEqual(
    [FROM.toLowerCase(), TOKEN, `0x${HOLDER}`].sort(),
  )
})

test('behavior: events of the command line keep its faults', async () => {
  const [deploy, call] = await eventsOf('cli')
  expect(deploy['contractAddress']).toBeNull()
  expect(Object.keys(deploy.addresses)).toContain('undefined')
  expect(Object.keys(call.addresses)).not.toContain(`0x${HOLDER}`)
})

test('behavior: events of a scan node are texts', async () => {
  const [deploy, call] = await eventsOf('node')
  expect(deploy).toMatchObject({ type: 'BLOCK', network: 31_337, contractAddress: createdBy() })
  expect(deploy['traces']).toMatchObject([
    { subtraces: '0', traceAddress: [], error: '', action: { to: '', callType: '' } },
  ])
  expect(call).toMatchObject({ contractAddress: '', transaction: { nonce: 0, gasPrice: '0x5' } })
  expect(deploy).toMatchObject({ transaction: { gasPrice: '' } })
  expect(Object.keys(call.addresses)).toContain(`0x${HOLDER}`)
})

test('behavior: the faster filters answer as the SDK’s own', async () => {
  const abis: readonly unknown[] = [
    'event Transfer(address indexed from, address indexed to, uint256 value)',
    'event Many(uint8 small, int256 below, bool yes, bytes4 first, uint48 number, uint128 long, address length)',
    'event Cut(uint8 small, int24 short, string text)',
    ['event Transfer(address from, address to, uint256 value)'],
    [
      'event Approval(address indexed a, address indexed b, uint256 c)',
      'event Transfer(address indexed from, address indexed to, uint256 value)',
      'event Hidden() anonymous',
    ],
    ['event Nothing(uint256 a)'],
  ]
  const places: readonly unknown[] = [
    null,
    '',
    undefined,
    TOKEN.toUpperCase().replace('0X', '0x'),
    [FROM],
    [],
  ]
  /** With the names of arguments, and what an argument throws that cannot be read. */
  const spell = (found: Record<string, unknown>): unknown => ({
    ...found,
    prototype: Object.getPrototypeOf(found).constructor.name,
    args: Object.keys(found['args'] as object).map((key) => {
      try {
        return [key, (found['args'] as Record<string, unknown>)[key]]
      } catch (error) {
        return [key, String(error)]
      }
    }),
  })
  const ask = async (): Promise<readonly (readonly unknown[])[]> => {
    const [, call] = await eventsOf('cli')
    const answers = abis.flatMap((abi) =>
      places.map((place) => call.filterLog(abi, place).map(spell)),
    )
    const functions = places.map((place) =>
      call.filterFunction(['function nothing()', 'function x(uint256)'], place),
    )
    return [...answers, ...functions]
  }
  const plain = await ask()
  speedUp(sdk)
  expect(await ask()).toEqual(plain)
  expect(await ask()).toEqual(plain)
  expect(plain.filter((list) => list.length > 0).length).toBeGreaterThan(4)
  const [, call] = await eventsOf('cli')
  expect(() => call.filterLog('no event at all')).toThrow()
})

test('behavior: a bot of an SDK before 0.1 gets events of receipts', async () => {
  const asked: unknown[] = []
  const server = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => {
      const calls = JSON.parse(chunk.toString()) as { id: number; params: [string] }[]
      asked.push(...calls)
      // Of the second transaction nothing is known.
      const [first] = calls
      response.end(
        JSON.stringify([
          { id: 1, result: null },
          { id: 0, result: { transactionHash: first?.params[0], status: '0x1' } },
        ]),
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = server.address() as AddressInfo
    const make = createOldEventMaker(
      {
        createBlockEvent: () => 'block',
        createTransactionEvent: (receipt, _, chainId, traces) => ({
          status: receipt['status'],
          chainId,
          traces: traces?.length,
        }),
      },
      5,
      `http://127.0.0.1:${port}`,
    )
    const made = await make(PAYLOAD)
    expect(asked).toHaveLength(made.count)
    expect(made.block()).toBe('block')
    expect(made.transaction(0)).toEqual({ status: '0x1', chainId: 5, traces: 1 })
    expect(() => made.transaction(1)).toThrow(/does not give the receipt/)
  } finally {
    server.close()
  }
})
