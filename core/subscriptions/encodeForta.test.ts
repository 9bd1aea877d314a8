import { expect, test } from 'vitest'
import { fortaKind } from '../intake/kinds/forta.ts'
import { encodeForta } from './encodeForta.ts'
import { createMatcher, type SubscriptionFilter } from './matchesFilter.ts'
import { parseStreamQuery } from './parseQuery.ts'
import { isPrivateAddress } from './privateAddress.ts'
import type { FindingEvent } from './types.ts'

const ADDRESS = `0x${'ab'.repeat(20)}`
const event: FindingEvent = {
  seq: 7,
  id: 'evt_1',
  type: 'detected',
  status: 'provisional',
  at: new Date('2026-11-21T09:00:00.000Z'),
  finding: {
    id: 'f'.repeat(64),
    botId: 'large-transfer',
    botVersion: '1.2.0',
    alertId: 'LARGE-TRANSFER',
    alertKind: 'event',
    condition: null,
    chainId: 1,
    blockNumber: 123,
    blockHash: `0x${'0b'.repeat(32)}`,
    blockTimestampS: 1_700_000_000,
    txHash: `0x${'0c'.repeat(32)}`,
    uniqueKey: 'k',
    name: 'Much moved',
    description: 'From here to there\u202E',
    severity: 'Critical',
    type: 'Exploit',
    thing: 'usdc',
    owner: 'treasury',
    protocol: 'circle',
    metadata: { amount: '1000000' },
    addresses: [ADDRESS],
    labels: [{ entity: ADDRESS, label: 'attacker', confidence: 0.9 }],
    createdAt: new Date('2026-11-21T09:00:00.000Z'),
  },
}
const CHAINS = [{ id: 1, name: 'mainnet', explorer: 'https://etherscan.io/' }]

test('behavior: our own receiver of Forta webhooks reads what we send in their shape', async () => {
  const body = encodeForta(event, CHAINS) ?? ''
  const [alert] = (JSON.parse(body) as { alerts: Record<string, unknown>[] }).alerts
  expect(alert).toMatchObject({
    hash: `0x${event.finding.id}`,
    severity: 'CRITICAL',
    findingType: 'EXPLOIT',
    links: {
      explorerUrl: `https://etherscan.io/tx/${event.finding.txHash}`,
      blockUrl: 'https://etherscan.io/block/123',
    },
    source: { block: { number: 123, chainId: 1, timestamp: '2023-11-14T22:13:20.000Z' } },
    labels: [{ entity: ADDRESS, entityType: 'ADDRESS', label: 'attacker', metadata: [] }],
  })
  const verdict = await fortaKind.read(
    {
      method: 'POST',
      raw: Buffer.from(body),
      headers: {},
      path: '',
      query: new URLSearchParams(),
      url: undefined,
      atMs: event.at.getTime(),
    },
    { kind: 'forta', name: 'in', signers: [] } as unknown as Parameters<typeof fortaKind.read>[1],
  )
  expect(verdict).toMatchObject({
    verdict: 'accepted',
    events: [
      {
        kind: 'finding',
        alertId: 'LARGE-TRANSFER',
        name: 'Much moved',
        description: 'From here to there',
        severity: 'Critical',
        type: 'Exploit',
        chainId: 1,
        blockNumber: 123,
        blockHash: event.finding.blockHash,
        timestampS: 1_700_000_000,
        txHash: event.finding.txHash,
        addresses: [ADDRESS],
        protocol: 'circle',
        metadata: { amount: '1000000', fortaBot: 'large-transfer' },
      },
    ],
  })
})

test('behavior: the shape has no words for what comes after a detection', () => {
  expect(encodeForta({ ...event, type: 'retracted', status: 'retracted' }, CHAINS)).toBeUndefined()
})

test('behavior: fields of a filter add up, lists are alternatives, and each boundary counts', () => {
  const allows = (filter: SubscriptionFilter, more: Partial<FindingEvent['finding']> = {}) =>
    createMatcher(filter, CHAINS)({ ...event, finding: { ...event.finding, ...more } })
  expect(allows({})).toBe(true)
  expect(allows({ minSeverity: 'High' }, { severity: 'High' })).toBe(true)
  expect(allows({ minSeverity: 'High' }, { severity: 'Medium' })).toBe(false)
  expect(allows({ minSeverity: 'Critical' }, { severity: 'Unheard' })).toBe(true)
  expect(allows({ chain: ['mainnet'] })).toBe(true)
  expect(allows({ chain: ['mainnet'] }, { chainId: 10 })).toBe(false)
  expect(allows({ address: [ADDRESS.toUpperCase().replace('0X', '0x')] })).toBe(true)
  expect(allows({ address: [`0x${'00'.repeat(20)}`] })).toBe(false)
  expect(allows({ protocol: ['circle'] })).toBe(true)
  expect(allows({ protocol: ['circle'] }, { protocol: null })).toBe(false)
  expect(allows({ bot: ['other', 'large-transfer'], alertId: ['NO'] })).toBe(false)
  expect(allows({ status: ['final'] })).toBe(false)
  expect(allows({}, { botId: 'tocsin' })).toBe(false)
  expect(allows({ bot: ['tocsin'] }, { botId: 'tocsin' })).toBe(true)
})

test('behavior: what a stream is asked for is read strictly', () => {
  const read = (text: string, last?: string) => parseStreamQuery(new URLSearchParams(text), last)
  expect(read('bot=a,b&bot=c&minSeverity=High&cursor=5', '9')).toEqual({
    filter: { bot: ['a', 'b', 'c'], minSeverity: 'High' },
    after: 5,
  })
  expect(read('', '9')).toEqual({ filter: {}, after: 9 })
  for (const wrong of ['severity=High', 'minSeverity=Huge', 'cursor=-1', 'address=0x1', 'chain=A!'])
    expect(read(wrong)).toHaveProperty('problem')
})

test('behavior: addresses that are none of the public internet’s are known, in every dress', () => {
  for (const address of [
    '127.0.0.1',
    '10.1.2.3',
    '172.31.255.255',
    '192.168.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '::1',
    '::',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    '64:ff9b::a00:1',
    'fd00::1',
    'fe80::1',
    'no address',
  ])
    expect([address, isPrivateAddress(address)]).toEqual([address, true])
  for (const address of ['1.1.1.1', '172.32.0.1', '2606:4700::1111', '::ffff:8.8.8.8'])
    expect([address, isPrivateAddress(address)]).toEqual([address, false])
})
