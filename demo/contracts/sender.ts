import { z } from 'zod'
import { type Address, type Hex, sleep, TocsinError } from '../../core/base/index.ts'
import type { DemoAccount } from './accounts.ts'

export type SendRequest = {
  readonly from: Address
  /** Left out: a contract creation. */
  readonly to?: Address
  readonly data?: Hex
  readonly valueWei?: bigint
  /** Default: 500,000. Never estimated: a transaction may depend on one that is not mined yet. */
  readonly gas?: bigint
}

export type SentReceipt = {
  readonly hash: Hex
  readonly status: 'success' | 'reverted'
  readonly blockNumber: number
  readonly contractAddress: Address | undefined
  readonly logs: readonly {
    readonly address: Address
    readonly topics: readonly Hex[]
    readonly data: Hex
  }[]
}

export type Sender = {
  readonly rpcUrl: string
  readonly rpc: (method: string, params?: readonly unknown[]) => Promise<unknown>
  /** Sends in order, in one JSON-RPC batch, with explicit nonces; waits for nothing. Resolves with the hashes. */
  readonly send: (requests: readonly SendRequest[]) => Promise<readonly Hex[]>
  /** Nonce that the next transaction of this account will carry. */
  readonly nextNonce: (from: Address) => Promise<number>
  /** Waits until all are mined, calling `mine` (when given at creation) between looks. @throws TocsinError `demo.not_mined` */
  readonly wait: (hashes: readonly Hex[]) => Promise<readonly SentReceipt[]>
}

export type SenderOptions = {
  readonly rpcUrl: string
  /** Accounts that may have to sign here; those that the node holds unlocked are signed for by the node, which is faster. */
  readonly accounts?: readonly DemoAccount[]
  /** Sign here in any case. Default: false. */
  readonly signLocally?: boolean
  /** Makes a block, on a chain that makes none by itself. */
  readonly mine?: () => Promise<unknown>
  /** Longest wait for a transaction to be mined (ms). Default: 60000. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

const MAX_FEE_WEI = 200_000_000_000n
const PRIORITY_FEE_WEI = 1_000_000_000n
const BATCH = 100
const REQUEST_TIMEOUT_MS = 30_000

const answerSchema = z.object({
  id: z.number(),
  result: z.unknown(),
  error: z.object({ message: z.string() }).optional(),
})
const hexSchema = z.custom<Hex>(
  (value) => typeof value === 'string' && /^0x[0-9a-fA-F]*$/.test(value),
)
const receiptSchema = z.object({
  transactionHash: hexSchema,
  status: z.enum(['0x0', '0x1']),
  blockNumber: hexSchema,
  contractAddress: hexSchema.nullish(),
  logs: z.array(z.object({ address: hexSchema, topics: z.array(hexSchema), data: hexSchema })),
})
const quantity = (value: bigint | number): Hex => `0x${value.toString(16)}`
const lower = (address: string): Address => address.toLowerCase() as Address

type Call = { readonly method: string; readonly params: readonly unknown[] }
type Answer = { readonly result: unknown; readonly error: string | undefined }

type Batch = (calls: readonly Call[]) => Promise<readonly Answer[]>

const createBatch =
  ({ rpcUrl, signal }: SenderOptions): Batch =>
  async (calls) => {
    const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS)
    const response = await fetch(rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(calls.map((call, id) => ({ jsonrpc: '2.0', id, ...call }))),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    })
    const answers: Answer[] = calls.map(() => ({ result: undefined, error: 'no answer' }))
    for (const { id, result, error } of z.array(answerSchema).parse(await response.json()))
      answers[id] = { result, error: error?.message }
    return answers
  }

const feesAndGas = (request: SendRequest) => ({
  ...(request.to === undefined ? {} : { to: request.to }),
  ...(request.data === undefined ? {} : { data: request.data }),
  value: request.valueWei ?? 0n,
  gas: request.gas ?? 500_000n,
  maxFeePerGas: MAX_FEE_WEI,
  maxPriorityFeePerGas: PRIORITY_FEE_WEI,
})

/** For an account that the node signs for. */
const unsignedCall = (request: SendRequest, nonce: number): Call => {
  const fields = Object.entries({ ...feesAndGas(request), nonce })
  const encoded = fields.map(([key, value]) => [
    key,
    typeof value === 'string' ? value : quantity(value),
  ])
  return {
    method: 'eth_sendTransaction',
    params: [{ from: request.from, ...Object.fromEntries(encoded) }],
  }
}

const signedCall = async (
  account: DemoAccount,
  chainId: number,
  request: SendRequest,
  nonce: number,
): Promise<Call> => {
  const fields = { type: 'eip1559', chainId, nonce, ...feesAndGas(request) } as const
  return { method: 'eth_sendRawTransaction', params: [await account.signTransaction(fields)] }
}

/** Receipts of those that are mined. */
const getReceipts = async (
  batch: Batch,
  hashes: readonly Hex[],
): Promise<readonly SentReceipt[]> => {
  const calls = hashes.map((hash) => ({ method: 'eth_getTransactionReceipt', params: [hash] }))
  const receipts: SentReceipt[] = []
  for (const { result, error } of await batch(calls)) {
    if (error !== undefined)
      throw new TocsinError('demo.rpc', `eth_getTransactionReceipt: ${error}`)
    if (result === null || result === undefined) continue
    const receipt = receiptSchema.parse(result)
    receipts.push({
      hash: receipt.transactionHash,
      status: receipt.status === '0x1' ? 'success' : 'reverted',
      blockNumber: Number(receipt.blockNumber),
      contractAddress: receipt.contractAddress ? lower(receipt.contractAddress) : undefined,
      logs: receipt.logs.map((log) => ({ ...log, address: lower(log.address) })),
    })
  }
  return receipts
}

const pagesOf = <T>(items: readonly T[]): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(items.length / BATCH) }, (_, i) =>
    items.slice(i * BATCH, (i + 1) * BATCH),
  )

/** Sends many transactions of many accounts fast, on a local test chain. Not for any other chain: fees and gas are fixed. */
export const createSender = async (options: SenderOptions): Promise<Sender> => {
  const batch = createBatch(options)
  const rpc = async (method: string, params: readonly unknown[] = []): Promise<unknown> => {
    const [answer] = await batch([{ method, params }])
    if (answer === undefined || answer.error !== undefined)
      throw new TocsinError('demo.rpc', `${method}: ${answer?.error ?? 'no answer'}`)
    return answer.result
  }
  const chainId = Number(await rpc('eth_chainId'))
  const held = options.signLocally ? [] : z.array(z.string()).parse(await rpc('eth_accounts'))
  const unlocked = new Set(held.map(lower))
  const local = new Map((options.accounts ?? []).map((account) => [account.address, account]))
  const nonces = new Map<Address, number>()

  const nextNonce = async (from: Address): Promise<number> => {
    if (!nonces.has(from)) {
      const nonce = Number(await rpc('eth_getTransactionCount', [from, 'pending']))
      // Another send may have asked meanwhile.
      nonces.set(from, nonces.get(from) ?? nonce)
    }
    return nonces.get(from) ?? 0
  }
  const prepare = async (request: SendRequest, nonce: number): Promise<Call> => {
    if (unlocked.has(request.from)) return unsignedCall(request, nonce)
    const account = local.get(request.from)
    if (account === undefined)
      throw new TocsinError('demo.no_key', `Nobody here can sign for ${request.from}.`)
    return signedCall(account, chainId, request, nonce)
  }
  const send = async (requests: readonly SendRequest[]): Promise<readonly Hex[]> => {
    for (const from of new Set(requests.map((request) => request.from))) await nextNonce(from)
    const numbered = requests.map((request) => {
      const nonce = nonces.get(request.from) ?? 0
      nonces.set(request.from, nonce + 1)
      return { request, nonce }
    })
    const hashes: Hex[] = []
    for (const page of pagesOf(numbered)) {
      const calls = await Promise.all(page.map(({ request, nonce }) => prepare(request, nonce)))
      for (const { result, error } of await batch(calls)) {
        if (error !== undefined) {
          for (const { request } of numbered) nonces.delete(request.from)
          throw new TocsinError('demo.send_failed', `The chain refused a transaction: ${error}`)
        }
        hashes.push(hexSchema.parse(result))
      }
    }
    return hashes
  }
  const wait = async (hashes: readonly Hex[]): Promise<readonly SentReceipt[]> => {
    const deadline = Date.now() + (options.timeoutMs ?? 60_000)
    const found = new Map<Hex, SentReceipt>()
    for (;;) {
      await options.mine?.()
      for (const page of pagesOf(hashes.filter((hash) => !found.has(hash))))
        for (const receipt of await getReceipts(batch, page)) found.set(receipt.hash, receipt)
      const receipts = hashes.flatMap((hash) => found.get(hash) ?? [])
      if (receipts.length === hashes.length) return receipts
      if (options.signal?.aborted)
        throw new TocsinError('aborted', 'Stopped while waiting for a transaction to be mined.')
      if (Date.now() > deadline)
        throw new TocsinError(
          'demo.not_mined',
          `${hashes.length - receipts.length} of ${hashes.length} transactions were not mined in time.`,
        )
      await sleep(50, options.signal)
    }
  }
  return { rpcUrl: options.rpcUrl, rpc, send, nextNonce, wait }
}
