import { createServer } from 'node:http'
import { keccak256, parseTransaction } from 'viem'
import { type Address, type Hex, messageOf } from '../../base/index.ts'

/** A JSON-RPC endpoint on loopback in front of another. */
export type Door = { readonly url: string; readonly stop: () => Promise<void> }

type Rpc = { readonly id?: unknown; readonly method: string; readonly params?: readonly unknown[] }
type Answer = Readonly<Record<string, unknown>>

const TIMEOUT_MS = 30_000
const MAX_BODY = 8 * 1024 * 1024

export const createAsk =
  (url: string) =>
  async (body: unknown): Promise<string> => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    return response.text()
  }

const serve = async (handle: (body: string) => Promise<string>): Promise<Door> => {
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (text.length > MAX_BODY) request.destroy()
    })
    request.on('end', () => {
      handle(text).then(
        (answer) => response.writeHead(200, { 'content-type': 'application/json' }).end(answer),
        (error: unknown) => response.writeHead(502).end(messageOf(error).slice(0, 200)),
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    url: `http://127.0.0.1:${address && typeof address === 'object' ? address.port : 0}`,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

/** Passes everything on, so that an address with a key in it appears in no process list. */
export const startPassage = (upstream: string): Promise<Door> => {
  const ask = createAsk(upstream)
  return serve((body) => ask(JSON.parse(body)))
}

const swap = (text: string, from: string, to: string): string =>
  text.replaceAll(new RegExp(from.slice(2), 'gi'), to.slice(2))

/**
 * A door into a fork through which a stand-in key acts as an account of the chain: every mention of the one is read as
 * the other, and its signed transactions are sent by the account, which the fork impersonates. So the whole signer
 * plays, and nothing is signed that the real chain would take.
 */
export const startForkDoor = async (
  forkUrl: string,
  accounts: { readonly standIn: Address; readonly actor: Address },
): Promise<Door> => {
  const { standIn, actor } = accounts
  const ask = createAsk(forkUrl)
  const request = async (method: string, params: readonly unknown[]): Promise<Answer> =>
    JSON.parse(await ask({ jsonrpc: '2.0', id: 1, method, params })) as Answer
  /** What the stand-in signed, and what went on chain for it. */
  const hashes = new Map<Hex, Hex>()
  const inward = (text: string): string => {
    let inner = swap(text, standIn, actor)
    for (const [signed, sent] of hashes) inner = swap(inner, signed, sent)
    return inner
  }
  const outward = (text: string): string => {
    let outer = swap(text, actor, standIn)
    for (const [signed, sent] of hashes) outer = swap(outer, sent, signed)
    return outer
  }
  const hex = (value: bigint | number | undefined): Hex => `0x${(value ?? 0).toString(16)}`
  const send = async (raw: Hex): Promise<Answer> => {
    const hash = keccak256(raw)
    if (hashes.has(hash)) return { error: { code: -32_000, message: 'already known' } }
    const tx = parseTransaction(raw)
    const answer = await request('eth_sendTransaction', [
      {
        from: actor,
        to: tx.to && swap(tx.to, standIn, actor),
        data: tx.data && swap(tx.data, standIn, actor),
        value: hex(tx.value),
        gas: hex(tx.gas),
        nonce: hex(tx.nonce),
        maxFeePerGas: hex(tx.maxFeePerGas),
        maxPriorityFeePerGas: hex(tx.maxPriorityFeePerGas),
      },
    ])
    const sent = answer['result']
    if (typeof sent !== 'string') return { error: answer['error'] }
    hashes.set(hash, sent as Hex)
    return { result: hash }
  }
  const answerOne = async (rpc: Rpc): Promise<Answer> => {
    if (rpc.method === 'eth_sendRawTransaction')
      return { jsonrpc: '2.0', id: rpc.id, ...(await send(rpc.params?.[0] as Hex)) }
    const text = await ask(JSON.parse(inward(JSON.stringify(rpc))))
    return JSON.parse(outward(text)) as Answer
  }
  await request('anvil_impersonateAccount', [actor])
  return serve(async (body) => {
    const asked = JSON.parse(body) as Rpc | Rpc[]
    const answers = Array.isArray(asked)
      ? await Promise.all(asked.map(answerOne))
      : await answerOne(asked)
    return JSON.stringify(answers)
  })
}
