import { createServer, type ServerResponse } from 'node:http'
import {
  keccak256,
  parseTransaction,
  recoverTransactionAddress,
  type TransactionSerializedEIP1559,
} from 'viem'
import type { Hex } from '../../core/base/index.ts'

export type SendFault = 'none' | 'hang' | 'accept-then-reset' | 'error-500' | 'swallow'

/** A node in front of anvil which refuses what geth refuses: replacements that do not raise both fees by 10 %. */
export type StrictNode = {
  readonly url: string
  /** Hashes of all transactions that were accepted, in order, each once. */
  readonly accepted: readonly Hex[]
  /** Raw bytes of every `eth_sendRawTransaction`, refused ones and repeats included. */
  readonly seen: readonly Hex[]
  readonly refusedReplacements: () => number
  readonly setFault: (fault: SendFault) => void
  /** Answers of `eth_simulateV1` are "no such method" while true. */
  readonly setSimulateMissing: (missing: boolean) => void
  readonly stop: () => Promise<void>
}

type Rpc = { readonly id: number; readonly method: string; readonly params: readonly unknown[] }
type Pending = { readonly hash: Hex; readonly maxFee: bigint; readonly tip: bigint }

const error = (id: number, code: number, message: string): object => ({
  jsonrpc: '2.0',
  id,
  error: { code, message },
})

export const startStrictNode = async (upstream: string): Promise<StrictNode> => {
  let fault: SendFault = 'none'
  let isSimulateMissing = false
  let refused = 0
  const accepted: Hex[] = []
  const seen: Hex[] = []
  const pending = new Map<string, Pending>()
  const open = new Set<ServerResponse>()

  const forward = async (body: unknown): Promise<unknown> => {
    const response = await fetch(upstream, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return response.json()
  }
  const checkReplacement = async (
    raw: Hex,
  ): Promise<{ key: string; mine: Pending; message: string | undefined }> => {
    const serialized = raw as TransactionSerializedEIP1559
    const tx = parseTransaction(serialized)
    const from = await recoverTransactionAddress({ serializedTransaction: serialized })
    const mine: Pending = {
      hash: keccak256(raw),
      maxFee: tx.maxFeePerGas ?? 0n,
      tip: tx.maxPriorityFeePerGas ?? 0n,
    }
    const key = `${from}:${tx.nonce ?? 0}`
    const before = pending.get(key)
    if (!before) return { key, mine, message: undefined }
    if (before.hash === mine.hash) return { key, mine, message: 'already known' }
    const isRaised =
      mine.maxFee * 100n >= before.maxFee * 110n && mine.tip * 100n >= before.tip * 110n
    return { key, mine, message: isRaised ? undefined : 'replacement transaction underpriced' }
  }
  const sendRaw = async (request: Rpc): Promise<object> => {
    const raw = request.params[0] as Hex
    seen.push(raw)
    const checked = await checkReplacement(raw).catch(() => undefined)
    // Not a transaction: anvil may say so.
    if (!checked) return (await forward(request)) as object
    const { key, mine, message } = checked
    if (message === 'replacement transaction underpriced') refused++
    if (message === 'replacement transaction underpriced')
      return error(request.id, -32_000, message)
    const answer = (await forward(request)) as { error?: { message: string } }
    if (!answer.error) {
      pending.set(key, mine)
      if (!accepted.includes(mine.hash)) accepted.push(mine.hash)
    }
    return answer
  }
  const answerOne = async (request: Rpc): Promise<unknown> => {
    if (request.method === 'eth_simulateV1' && isSimulateMissing)
      return error(request.id, -32_601, 'the method eth_simulateV1 does not exist')
    return request.method === 'eth_sendRawTransaction' ? sendRaw(request) : forward(request)
  }
  const handle = async (text: string, response: ServerResponse): Promise<void> => {
    const body = JSON.parse(text) as Rpc | Rpc[]
    const isSend = !Array.isArray(body) && body.method === 'eth_sendRawTransaction'
    if (isSend && fault === 'swallow') seen.push(body.params[0] as Hex)
    if (isSend && (fault === 'hang' || fault === 'swallow')) return
    if (isSend && fault === 'error-500') {
      response.writeHead(500).end('no')
      return
    }
    const answer = Array.isArray(body)
      ? await Promise.all(body.map(answerOne))
      : await answerOne(body)
    if (isSend && fault === 'accept-then-reset') response.destroy()
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  }
  const server = createServer((request, response) => {
    open.add(response)
    response.once('close', () => open.delete(response))
    let text = ''
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    request.on('end', () => {
      handle(text, response).catch(() => response.destroy())
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = address && typeof address === 'object' ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    accepted,
    seen,
    refusedReplacements: () => refused,
    setFault: (next) => {
      fault = next
    },
    setSimulateMissing: (missing) => {
      isSimulateMissing = missing
    },
    stop: () =>
      new Promise((resolve) => {
        for (const response of open) response.destroy()
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
