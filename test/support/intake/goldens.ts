import { createHmac } from 'node:crypto'
import { keccak256 } from 'viem'
import { privateKeyToAccount, sign } from 'viem/accounts'

/** Writes a payload as its vendor sends it, with the headers that make it genuine at a time. */
export type Golden = {
  readonly receiver: string
  /** What stands behind `/in/<receiver>`. */
  readonly path?: string
  readonly body: string
  readonly headers: (body: string, atMs: number, id?: string) => Promise<Record<string, string>>
  /** How many findings it brings. */
  readonly findings: number
  /** What a genuine delivery is answered by, and the very same one again. */
  readonly status: number
  readonly again: number
}

export const SECRETS = {
  path: 'forta-path-7d1c0a5e9b3f4826',
  monitor: 'monitor-secret-0123456789',
  defender: 'defender-secret-0123456789',
  tenderly: 'tenderly-secret-0123456789',
  token: 'alertmanager-token-0123456789',
  standard: `whsec_${Buffer.from('a standard webhooks key 32 bytes').toString('base64')}`,
  hmac: 'hmac-secret-0123456789',
} as const

const hmac = (key: string | Buffer, text: string, encoding: 'hex' | 'base64' = 'hex'): string =>
  createHmac('sha256', key).update(text).digest(encoding)

const json = { 'content-type': 'application/json' }
const hash = (digit: string): string => `0x${digit.repeat(64)}`
const address = (digit: string): string => `0x${digit.repeat(40)}`

/** The first well-known key of anvil. */
const SCANNER = privateKeyToAccount(
  '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
)
export const SCANNER_ADDRESS = SCANNER.address

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A scan node's token: `alg` ETH, signed without a prefix. */
export const fortaToken = async (
  atMs: number,
  options: { readonly key?: `0x${string}`; readonly sub?: string } = {},
): Promise<string> => {
  const nowS = Math.floor(atMs / 1_000)
  const text = `${encode({ alg: 'ETH', typ: 'JWT' })}.${encode({
    jti: '6f2c3c52-9a53-4f6e-9c4b-6a1f5c1b3f10',
    sub: options.sub ?? SCANNER.address,
    iat: nowS,
    nbf: nowS - 30,
    exp: nowS + 30,
    localMode: 'true',
  })}`
  const { r, s, yParity } = await sign({
    hash: keccak256(Buffer.from(text)),
    privateKey: options.key ?? '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
  })
  const bytes = Buffer.concat([
    Buffer.from(r.slice(2), 'hex'),
    Buffer.from(s.slice(2), 'hex'),
    Buffer.from([yParity ?? 0]),
  ])
  return `${text}.${bytes.toString('base64url')}`
}

const fortaAlert = {
  hash: hash('a'),
  createdAt: '2026-11-21T10:15:30.123456789Z',
  alertId: 'FLASHLOAN-ATTACK',
  name: 'Flash loan with a large profit',
  protocol: 'ethereum',
  description: 'An address took a flash loan and kept 1,200 ETH.',
  findingType: 'EXPLOIT',
  severity: 'CRITICAL',
  metadata: { profit: '1200', token: 'ETH' },
  links: { explorerUrl: `https://explorer.example/tx/${hash('b')}`, blockUrl: null },
  source: {
    transactionHash: hash('b'),
    bot: { id: hash('c'), reference: 'QmBot', image: 'disco.example/bot' },
    block: {
      number: 19_000_001,
      hash: hash('d'),
      timestamp: '2026-11-21T10:15:23Z',
      chainId: 1,
    },
  },
  addresses: [address('1'), address('2')],
  addressBloomFilter: { k: '1', m: '64', bitset: 'AAAA', itemCount: 2 },
  relatedAlerts: null,
  labels: [
    {
      label: 'attacker',
      confidence: 0.9,
      entity: address('1'),
      entityType: 'ADDRESS',
      remove: false,
      metadata: ['why=profit'],
    },
  ],
}

const fortaBatch = {
  alerts: [
    fortaAlert,
    // Of a block: no transaction. Everything that may be null is.
    {
      ...fortaAlert,
      hash: hash('e'),
      alertId: 'GAS-SPIKE',
      severity: 'INFO',
      findingType: 'INFORMATION',
      metadata: null,
      links: null,
      addresses: null,
      labels: null,
      source: { ...fortaAlert.source, transactionHash: null },
    },
    // Of a combiner: no block, and another alert it came from.
    {
      ...fortaAlert,
      hash: hash('f'),
      alertId: 'ATTACK-DETECTOR-1',
      source: {
        bot: { id: hash('9') },
        block: null,
        sourceEvent: { botId: hash('c'), alertHash: hash('a') },
      },
    },
  ],
  metrics: [],
}

const monitorMatch = {
  EVM: {
    monitor: {
      name: 'Large transfer of USDC',
      networks: ['ethereum_mainnet'],
      paused: false,
      addresses: [{ address: '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48', contract_spec: null }],
      match_conditions: {
        functions: [],
        events: [{ signature: 'Transfer(address,address,uint256)', expression: 'value > 1000' }],
        transactions: [],
      },
      trigger_conditions: [],
      triggers: ['hook'],
    },
    transaction: {
      hash: hash('b'),
      from: address('1'),
      to: '0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48',
      blockNumber: '0x121eac1',
      blockHash: hash('d'),
      value: '0x0',
    },
    receipt: { blockNumber: '0x121eac1', blockHash: hash('d'), status: '0x1', logs: [] },
    logs: [],
    network_slug: 'ethereum_mainnet',
    matched_on: {
      functions: [],
      events: [{ signature: 'Transfer(address,address,uint256)', expression: 'value > 1000' }],
      transactions: [],
    },
    matched_on_args: {
      functions: null,
      events: [
        {
          signature: 'Transfer(address,address,uint256)',
          args: [
            { name: 'from', value: address('1'), indexed: true, kind: 'address' },
            { name: 'to', value: address('2'), indexed: true, kind: 'address' },
            { name: 'value', value: '115792089237316195423', indexed: false, kind: 'uint256' },
          ],
          hex_signature: null,
        },
      ],
    },
  },
}

const defenderBody = {
  events: [
    {
      type: 'BLOCK',
      hash: hash('b'),
      timestamp: 1_700_000_000_000,
      blockNumber: 19_000_001,
      blockHash: hash('d'),
      transaction: {
        transactionHash: hash('b'),
        from: address('1'),
        to: address('2'),
        blockHash: hash('d'),
        blockNumber: '0x121eac1',
        logs: [],
      },
      matchReasons: [
        {
          type: 'event',
          signature: 'Paused(address)',
          address: address('2'),
          args: [address('1')],
          condition: null,
        },
      ],
      matchedAddresses: [address('2')],
      monitor: {
        id: '8181d9e0-88ce-4db0-802a-2b56e2e6a7b1',
        name: 'Vault paused',
        abi: [],
        addresses: [address('2')],
        network: 'mainnet',
        chainId: 1,
        severityLevel: 'HIGH',
        riskCategory: 'ACCESS-CONTROL',
      },
      metadata: {},
    },
  ],
}

const tenderlyBody = {
  id: '8a4b1c1e-7a55-4a3e-8f0a-0c9d3c2b1a00',
  event_type: 'ALERT',
  transaction: {
    network: '1',
    block_hash: hash('d'),
    block_number: 19_000_001,
    hash: hash('b'),
    from: address('1'),
    to: address('2'),
    logs: [{ address: address('3'), topics: [hash('4')], data: '0x' }],
    input: '0x',
    value: 115_792_089,
    nonce: '7',
    gas: '21000',
    gas_used: '21000',
    cumulative_gas_used: '21000',
    gas_price: '1000',
    gas_tip_cap: '1',
    gas_fee_cap: '1',
  },
}

const alertmanagerBody = {
  version: '4',
  groupKey: '{}:{alertname="NodeDown"}',
  truncatedAlerts: 0,
  status: 'firing',
  receiver: 'tocsin',
  groupLabels: { alertname: 'NodeDown' },
  commonLabels: { alertname: 'NodeDown', severity: 'critical' },
  commonAnnotations: { summary: 'A node is down' },
  externalURL: 'http://alertmanager.example:9093',
  alerts: [
    {
      status: 'firing',
      labels: { alertname: 'NodeDown', severity: 'critical', instance: 'node-1:9100' },
      annotations: { summary: 'A node is down', description: 'node-1 does not answer.' },
      startsAt: '2026-11-21T10:15:30.000Z',
      endsAt: '0001-01-01T00:00:00Z',
      generatorURL: 'http://prometheus.example:9090/graph',
      fingerprint: 'b5e33f2cb7bb3c1a',
    },
  ],
}

const genericBody = {
  type: 'incident.triggered',
  timestamp: '2026-11-21T10:15:30Z',
  data: {
    id: 'inc-77',
    level: 'error',
    title: 'Reserve below supply',
    chain: 'mainnet',
    contract: address('2'),
    transaction: hash('b'),
    amount: '<<AMOUNT>>',
  },
}

/** Numbers as they stand on the wire, larger than a double holds. */
const genericText = JSON.stringify(genericBody).replace('"<<AMOUNT>>"', '115792089237316195423570')

const signStandard = async (
  body: string,
  atMs: number,
  id = 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W',
): Promise<Record<string, string>> => {
  const time = String(Math.floor(atMs / 1_000))
  const key = Buffer.from(SECRETS.standard.slice(6), 'base64')
  return {
    ...json,
    'webhook-id': id,
    'webhook-timestamp': time,
    'webhook-signature': `v1,${hmac(key, `${id}.${time}.${body}`, 'base64')}`,
  }
}

const goTime = (atMs: number): string =>
  `${new Date(atMs).toISOString().replace('T', ' ').replace('Z', '172')} +0000 UTC m=+35.128`

export const GOLDENS: Readonly<Record<string, Golden>> = {
  forta: {
    receiver: 'forta',
    path: `/${SECRETS.path}`,
    body: JSON.stringify(fortaBatch),
    headers: async (_, atMs) => ({ ...json, authorization: `Bearer ${await fortaToken(atMs)}` }),
    findings: 3,
    status: 200,
    again: 200,
  },
  'openzeppelin-monitor': {
    receiver: 'monitor',
    body: JSON.stringify(monitorMatch),
    headers: async (body, atMs) => ({
      ...json,
      'x-timestamp': String(atMs),
      'x-signature': hmac(SECRETS.monitor, `${body}${atMs}`),
    }),
    findings: 1,
    status: 202,
    again: 409,
  },
  defender: {
    receiver: 'defender',
    body: JSON.stringify(defenderBody),
    headers: async (body, atMs) => {
      const timestamp = new Date(atMs).toISOString()
      const parsed: unknown = JSON.parse(body)
      const signed = JSON.stringify({ ...Object(parsed), timestamp })
      return {
        ...json,
        'defender-timestamp': timestamp,
        'defender-signature': hmac(SECRETS.defender, signed),
      }
    },
    findings: 1,
    status: 202,
    again: 409,
  },
  tenderly: {
    receiver: 'tenderly',
    body: JSON.stringify(tenderlyBody),
    headers: async (body, atMs) => ({
      ...json,
      date: goTime(atMs),
      'x-tenderly-signature': hmac(SECRETS.tenderly, `${body}${goTime(atMs)}`),
    }),
    findings: 1,
    status: 200,
    again: 200,
  },
  alertmanager: {
    receiver: 'alertmanager',
    body: JSON.stringify(alertmanagerBody),
    headers: async () => ({ ...json, authorization: `Bearer ${SECRETS.token}` }),
    findings: 1,
    status: 200,
    again: 200,
  },
  generic: {
    receiver: 'generic',
    body: genericText,
    headers: signStandard,
    findings: 1,
    status: 202,
    again: 202,
  },
  hmac: {
    receiver: 'hmac',
    body: genericText,
    headers: async (body, atMs) => ({
      ...json,
      'x-time': String(atMs),
      'x-hub-signature-256': `sha256=${hmac(SECRETS.hmac, `${atMs}.${body}`)}`,
    }),
    findings: 1,
    status: 202,
    again: 409,
  },
}
