import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RawData, WebSocket, WebSocketServer } from 'ws'
import { type Address, type Hex, sleep } from '../base/index.ts'
import { type Anvil, startAnvil } from '../testing/index.ts'
import { createPendingFeed } from './createPendingFeed.ts'
import { createRpcPool } from './createRpcPool.ts'
import type { PendingTransaction } from './parsePending.ts'

let anvil: Anvil
let user: Address
beforeAll(async () => {
  anvil = await startAnvil()
  const [first] = await anvil.rpc<Address[]>('eth_accounts')
  if (!first) throw new Error('no accounts')
  user = first
})
afterAll(() => anvil?.stop())

const send = (input: Hex): Promise<Hex> =>
  anvil.rpc('eth_sendTransaction', [
    { from: user, to: user, data: input, value: '0x7', gas: '0x10000' },
  ])

/** A node's WebSocket that tells hashes only. */
const startHashesOnly = async () => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  await new Promise((resolve) => server.once('listening', resolve))
  server.on('connection', (client) => {
    const upstream = new WebSocket(anvil.wsUrl)
    upstream.on('message', (data) => client.send(data.toString()))
    upstream.on('error', () => client.terminate())
    client.on('close', () => upstream.terminate())
    const pass = async (data: RawData): Promise<void> => {
      const { id, params } = JSON.parse(data.toString()) as { id: number; params: unknown[] }
      if (params.length > 1) {
        const error = { code: -32_602, message: 'too many arguments' }
        client.send(JSON.stringify({ jsonrpc: '2.0', id, error }))
        return
      }
      if (upstream.readyState !== WebSocket.OPEN)
        await new Promise((resolve) => upstream.once('open', resolve))
      upstream.send(data.toString())
    }
    client.on('message', (data) => void pass(data))
  })
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => {
      for (const client of server.clients) client.terminate()
      server.close()
    },
  }
}

const watch = async (wsUrls: readonly (string | undefined)[], work: () => Promise<void>) => {
  const pool = createRpcPool({
    chainId: anvil.chainId,
    chainName: 'local',
    endpoints: wsUrls.map((ws, index) => ({ name: `node-${index}`, http: anvil.url, ws })),
  })
  const heard: PendingTransaction[] = []
  const feed = createPendingFeed({
    pool,
    pollMs: 50,
    onTransaction: (tx) => heard.push(tx),
    onError: () => undefined,
  })
  try {
    for (let tries = 0; tries < 200 && feed.sources() < wsUrls.length; tries++) await sleep(25)
    expect(feed.sources()).toBe(wsUrls.length)
    await work()
    for (let tries = 0; tries < 200 && heard.length === 0; tries++) await sleep(25)
    await sleep(200)
  } finally {
    await feed.stop()
    await pool.stop()
  }
  return heard
}

test('behavior: whole transactions by WebSocket, each once however many nodes tell it', async () => {
  let hash: Hex | undefined
  const heard = await watch([anvil.wsUrl, anvil.wsUrl, undefined], async () => {
    hash = await send('0xAABBCCDD')
  })
  expect(heard).toMatchObject([
    { hash, from: user, to: user, input: '0xaabbccdd', valueWei: 7n, gas: 65_536n },
  ])
})

test('behavior: by hash where the node gives no more', async () => {
  const node = await startHashesOnly()
  try {
    let hash: Hex | undefined
    const heard = await watch([node.url], async () => {
      hash = await send('0x01020304')
    })
    expect(heard).toMatchObject([{ hash, input: '0x01020304' }])
  } finally {
    node.stop()
  }
})

test('behavior: by a polled filter where there is no WebSocket', async () => {
  let hash: Hex | undefined
  const heard = await watch([undefined], async () => {
    hash = await send('0x05060708')
  })
  expect(heard).toMatchObject([{ hash, input: '0x05060708' }])
})
