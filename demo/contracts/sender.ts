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

type Answer = { readonly result: unknown; readonly error: string | undefined }

/** Sends many transactions of many accounts fast, on a local test chain. Not for any other chain: fees and gas are fixed. */
export const createSender = async (options: SenderOptions): Promise<Sender> => {
  const batch = async (
    calls: readonly { readonly method: string; readonly params: readonly unknown[] }[],
  ): Promise<readonly Answer[]> => {
    const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS)
    const response = await fetch(options.rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(calls.map((call, id) => ({ jsonrpc: '2.0', id, ...call }))),
      signal: options.signal ? AbortSignal.any([options.signal, timeout]) : timeout,
    })
    const answers: Answer[] = calls.map(() => ({ result: undefined, error: 'no answer' }))
    for (const { id, result, error } of z.array(answerSchema).parse(await response.json()))
      answers[id] = { result, error: error?.message }
    return answers
  }
  const rpc = async (method: string, params: readonly unknown[] = []): Promise<unknown> => {
    const [answer] = await batch([{ method, params }])
    if (answer === undefined || answer.error !== undefined)
      throw new TocsinError('demo.rpc', `${method}: ${answer?.error ?? 'no answer'}`)
    return answer.result
  }
  const chainId = Number(await rpc('eth_chainId'))
  const unlocked = new Set(
    options.signLocally
      ? []
      : z
          .array(z.string())
          .parse(await rpc('eth_accounts'))
          .map(lower),
  )
  const local = new Map((options.accounts ?? []).map((account) => [account.address, account]))
  const nonces = new Map<Address, number>()

  const nextNonce = async (from: Address): Promise<number> => {
    const known = nonces.get(from)
    if (known !== undefined) return known
    const nonce = Number(await rpc('eth_getTransactionCount', [from, 'pending']))
    // Another send may have asked meanwhile.
    const first = nonces.get(from) ?? nonce
    nonces.set(from, first)
    return first
  }

  const prepare = async (
    request: SendRequest,
    nonce: number,
  ): Promise<{ readonly method: string; readonly params: readonly unknown[] }> => {
    const gas = request.gas ?? 500_000n
    if (unlocked.has(request.from))
      return {
        method: 'eth_sendTransaction',
        params: [
          {
            from: request.from,
            ...(request.to === undefined ? {} : { to: request.to }),
            ...(request.data === undefined ? {} : { data: request.data }),
            value: quantity(request.valueWei ?? 0n),
            gas: quantity(gas),
            nonce: quantity(nonce),
            maxFeePerGas: quantity(MAX_FEE_WEI),
            maxPriorityFeePerGas: quantity(PRIORITY_FEE_WEI),
          },
        ],
      }
    const account = local.get(request.from)
    if (account === undefined)
      throw new TocsinError('demo.no_key', `Nobody here can sign for ${request.from}.`)
    const signed = await account.signTransaction({
      type: 'eip1559',
      chainId,
      ...(request.to === undefined ? {} : { to: request.to }),
      ...(request.data === undefined ? {} : { data: request.data }),
      value: request.valueWei ?? 0n,
      gas,
      nonce,
      maxFeePerGas: MAX_FEE_WEI,
      maxPriorityFeePerGas: PRIORITY_FEE_WEI,
    })
    return { method: 'eth_sendRawTransaction', params: [signed] }
  }

  const send = async (requests: readonly SendRequest[]): Promise<readonly Hex[]> => {
    for (const from of new Set(requests.map((request) => request.from))) await nextNonce(from)
    const numbered = requests.map((request) => {
      const nonce = nonces.get(request.from) ?? 0
      nonces.set(request.from, nonce + 1)
      return { request, nonce }
    })
    const hashes: Hex[] = []
    for (let i = 0; i < numbered.length; i += BATCH) {
      const part = numbered.slice(i, i + BATCH)
      const answers = await batch(
        await Promise.all(part.map(({ request, nonce }) => prepare(request, nonce))),
      )
      for (const answer of answers) {
        if (answer.error !== undefined) {
          for (const { request } of numbered) nonces.delete(request.from)
          throw new TocsinError(
            'demo.send_failed',
            `The chain refused a transaction: ${answer.error}`,
          )
        }
        hashes.push(hexSchema.parse(answer.result))
      }
    }
    return hashes
  }

  const wait = async (hashes: readonly Hex[]): Promise<readonly SentReceipt[]> => {
    const deadline = Date.now() + (options.timeoutMs ?? 60_000)
    const found = new Map<Hex, SentReceipt>()
    for (;;) {
      await options.mine?.()
      const missing = hashes.filter((hash) => !found.has(hash))
      for (let i = 0; i < missing.length; i += BATCH)
        for (const { result, error } of await batch(
          missing
            .slice(i, i + BATCH)
            .map((hash) => ({ method: 'eth_getTransactionReceipt', params: [hash] })),
        )) {
          if (error !== undefined)
            throw new TocsinError('demo.rpc', `eth_getTransactionReceipt: ${error}`)
          if (result === null || result === undefined) continue
          const receipt = receiptSchema.parse(result)
          found.set(receipt.transactionHash, {
            hash: receipt.transactionHash,
            status: receipt.status === '0x1' ? 'success' : 'reverted',
            blockNumber: Number(receipt.blockNumber),
            contractAddress: receipt.contractAddress ? lower(receipt.contractAddress) : undefined,
            logs: receipt.logs.map((log) => ({ ...log, address: lower(log.address) })),
          })
        }
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
