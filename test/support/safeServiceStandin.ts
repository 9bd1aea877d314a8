import { z } from 'zod'
import type { Hex } from '../../core/base/index.ts'
import { type StandinAnswer, type StandinServer, startStandinServer } from './standinServer.ts'

const proposalSchema = z.strictObject({
  to: z.string(),
  value: z.literal('0'),
  data: z.string(),
  operation: z.literal(0),
  safeTxGas: z.literal('0'),
  baseGas: z.literal('0'),
  gasPrice: z.literal('0'),
  gasToken: z.string(),
  refundReceiver: z.string(),
  nonce: z.string().regex(/^\d+$/),
  contractTransactionHash: z.string(),
  sender: z.string(),
  signature: z.string(),
  origin: z.string(),
})

export type SafeProposal = z.infer<typeof proposalSchema>

/** A stand-in for a Safe Transaction Service: proposals of one Safe, and what became of them. */
export type SafeServiceStandin = StandinServer & {
  readonly proposals: readonly SafeProposal[]
  readonly setExecuted: (safeTxHash: string, transactionHash: Hex) => void
}

export const startSafeServiceStandin = async (): Promise<SafeServiceStandin> => {
  const proposals: SafeProposal[] = []
  const executed = new Map<string, Hex>()
  const shown = (each: SafeProposal) => ({
    safeTxHash: each.contractTransactionHash,
    to: each.to,
    data: each.data,
    nonce: Number(each.nonce),
    submissionDate: new Date().toISOString(),
    isExecuted: executed.has(each.contractTransactionHash),
    isSuccessful: executed.has(each.contractTransactionHash) ? true : null,
    transactionHash: executed.get(each.contractTransactionHash) ?? null,
  })
  const propose = (body: unknown): StandinAnswer => {
    const proposal = proposalSchema.safeParse(body)
    if (!proposal.success) return { status: 422, body: { detail: proposal.error.message } }
    proposals.push(proposal.data)
    return { status: 201, body: {} }
  }
  const server = await startStandinServer(async ({ method, url, body }) => {
    if (method === 'POST' && url.pathname.endsWith('/multisig-transactions/')) return propose(body)
    if (url.pathname.endsWith('/multisig-transactions/')) {
      const isWaiting = url.searchParams.get('executed') === 'false'
      const results = proposals.map(shown).filter((each) => !isWaiting || !each.isExecuted)
      return { status: 200, body: { count: results.length, results: results.reverse() } }
    }
    const one = proposals.find(({ contractTransactionHash }) =>
      url.pathname.endsWith(`/multisig-transactions/${contractTransactionHash}/`),
    )
    if (one) return { status: 200, body: shown(one) }
    const isSafe = /^\/api\/v1\/safes\/0x[0-9a-fA-F]{40}\/$/.test(url.pathname)
    return isSafe ? { status: 200, body: {} } : { status: 404, body: { detail: 'Not found.' } }
  })
  return {
    ...server,
    proposals,
    setExecuted: (safeTxHash, transactionHash) => {
      executed.set(safeTxHash, transactionHash)
    },
  }
}
