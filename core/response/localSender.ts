import { messageOf, sleep } from '../base/index.ts'
import type { Sender, SendResult, SendTo, TransactionStatus } from './sender.ts'
import type { RpcAnswer, SignerRpc } from './signerRpc.ts'

const RANK: Readonly<Record<SendResult['outcome'], number>> = {
  accepted: 5,
  known: 4,
  nonce_used: 3,
  underpriced: 2,
  rejected: 1,
  unreachable: 0,
}

const classify = (answer: RpcAnswer): SendResult => {
  if (answer.ok) return { outcome: 'accepted', message: '' }
  const message = answer.message
  if (/already known|known transaction|already imported|already in pool/i.test(message))
    return { outcome: 'known', message }
  if (/nonce too low|nonce is too low|invalid nonce/i.test(message))
    return { outcome: 'nonce_used', message }
  if (/underpriced|fee too low|less than block base fee/i.test(message))
    return { outcome: 'underpriced', message }
  return { outcome: 'rejected', message }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

const readReceipt = (receipt: unknown): TransactionStatus | undefined => {
  if (typeof receipt !== 'object' || receipt === null) return undefined
  const field = (name: string): string =>
    text(Object.entries(receipt).find(([key]) => key === name)?.[1])
  if (!field('blockHash')) return undefined
  return {
    state: 'mined',
    hash: field('transactionHash') as `0x${string}`,
    blockNumber: Number(field('blockNumber')),
    blockHash: field('blockHash') as `0x${string}`,
    success: field('status') === '0x1',
    feeWei: BigInt(field('gasUsed') || '0x0') * BigInt(field('effectiveGasPrice') || '0x0'),
  }
}

/**
 * Sends the same signed bytes to every endpoint at once, public or private as asked; done with the first that takes
 * them. Bytes for private endpoints alone never reach a public one, not even when there is none.
 */
export const createLocalSender = (
  rpc: SignerRpc,
  options: {
    readonly deadlineMs?: number
    /** Endpoints that keep transactions out of the public mempool. */
    readonly privateRpc?: SignerRpc | undefined
  } = {},
): Sender => {
  const deadlineMs = options.deadlineMs ?? 3_000
  const endpointsFor = (to: SendTo): readonly SignerRpc[] =>
    [to === 'private' ? undefined : rpc, to === 'public' ? undefined : options.privateRpc].filter(
      (each) => each !== undefined,
    )
  return {
    name: 'local',
    send: (raw, signal, to = 'public') =>
      new Promise((resolve) => {
        let best: SendResult = { outcome: 'unreachable', message: 'no endpoint answered in time' }
        const take = (result: SendResult): void => {
          if (RANK[result.outcome] > RANK[best.outcome]) best = result
          if (best.outcome === 'accepted') resolve(best)
        }
        const asked = endpointsFor(to).flatMap((each) =>
          each.askEach('eth_sendRawTransaction', [raw]),
        )
        if (asked.length === 0) best = { ...best, message: 'there is no private endpoint' }
        const answers = asked.map((answer) =>
          answer.then(
            (settled) => take(classify(settled)),
            (error: unknown) => {
              if (best.outcome === 'unreachable')
                best = { ...best, message: messageOf(error).split('\n')[0]?.slice(0, 300) ?? '' }
            },
          ),
        )
        void Promise.race([Promise.all(answers), sleep(deadlineMs, signal)]).then(() =>
          resolve(best),
        )
      }),
    status: async (hash) => {
      const [receipt, transaction] = await Promise.all([
        rpc.get('eth_getTransactionReceipt', [hash]),
        rpc.get('eth_getTransactionByHash', [hash]),
      ])
      return readReceipt(receipt) ?? (transaction ? { state: 'pending' } : { state: 'unknown' })
    },
  }
}
