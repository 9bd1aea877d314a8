import {
  decodeFunctionResult,
  encodeFunctionData,
  getAddress,
  type Hex,
  hashMessage,
  parseAbi,
  recoverAddress,
} from 'viem'
import { z } from 'zod'
import type { Address } from '../../core/base/index.ts'
import type { Anvil } from '../../core/testing/index.ts'
import { type StandinAnswer, type StandinServer, startStandinServer } from './standinServer.ts'

const abi = parseAbi([
  'function getTransactionHash(address to, uint256 value, bytes data, uint8 operation, uint256 safeTxGas, uint256 baseGas, uint256 gasPrice, address gasToken, address refundReceiver, uint256 nonce) view returns (bytes32)',
  'function getOwners() view returns (address[])',
  'function nonce() view returns (uint256)',
])
const checksummed = z
  .string()
  .refine((text) => text === getAddress(text), 'Checksum address validation failed')
  .transform((text) => text as Address)
const bytes = z
  .string()
  .regex(/^0x([0-9a-fA-F]{2})*$/)
  .transform((text) => text as Hex)
const proposalSchema = z.strictObject({
  to: checksummed,
  value: z.literal('0'),
  data: bytes,
  operation: z.literal(0),
  safeTxGas: z.literal('0'),
  baseGas: z.literal('0'),
  gasPrice: z.literal('0'),
  gasToken: checksummed,
  refundReceiver: checksummed,
  nonce: z.string().regex(/^\d+$/),
  contractTransactionHash: bytes,
  sender: checksummed,
  signature: bytes,
  origin: z.string().max(200),
})

export type SafeProposal = z.infer<typeof proposalSchema>

/**
 * A stand-in for a Safe Transaction Service: proposals of Safes on a local chain, and what became of them. As the real
 * one it asks the Safe itself for the hash, and takes a proposal from an owner or a known delegate alone, whose
 * signature it recovers.
 */
export type SafeServiceStandin = StandinServer & {
  readonly proposals: readonly SafeProposal[]
  readonly setExecuted: (safeTxHash: string, transactionHash: Hex) => void
  /** Lets an account propose that owns nothing, in the name of somebody, for one Safe (default: all of his). */
  readonly addDelegate: (
    delegate: Address,
    delegator: Address,
    options?: { readonly safe?: Address; readonly expiryDate?: string },
  ) => void
  readonly removeDelegates: () => void
}

/** Who signed the hash: plainly, or as a message with 4 added to `v`; undefined for anything else. */
const recoverSigner = async (hash: Hex, signature: Hex): Promise<Address | undefined> => {
  if (signature.length !== 132) return undefined
  const v = Number(`0x${signature.slice(130)}`)
  const isMessage = v > 30
  const plain = isMessage ? (`${signature.slice(0, 130)}${(v - 4).toString(16)}` as Hex) : signature
  const signed = isMessage ? hashMessage({ raw: hash }) : hash
  return recoverAddress({ hash: signed, signature: plain }).catch(() => undefined)
}

type Delegate = {
  readonly safe: Address | null
  readonly delegate: Address
  readonly delegator: Address
  readonly label: string
  readonly expiryDate: string | null
}

/** Whether a delegate may propose for a Safe now: named by a present owner, for it or for all, and not ended. */
const isFor = (each: Delegate, safe: Address, owners: readonly Address[]): boolean =>
  (each.safe === null || each.safe === safe) &&
  owners.includes(each.delegator) &&
  (each.expiryDate === null || Date.parse(each.expiryDate) > Date.now())

const fault = (text: string): StandinAnswer => ({ status: 422, body: { nonFieldErrors: [text] } })

export const startSafeServiceStandin = async (
  anvil: Pick<Anvil, 'rpc'>,
): Promise<SafeServiceStandin> => {
  const proposals: SafeProposal[] = []
  let delegates: readonly Delegate[] = []
  const executed = new Map<string, Hex>()
  const readSafe = async (safe: Address, data: Hex): Promise<Hex> =>
    anvil.rpc<Hex>('eth_call', [{ to: safe, data }, 'latest'])
  const hashOf = async (safe: Address, p: SafeProposal): Promise<Hex> => {
    const rest = [p.operation, 0n, 0n, 0n, p.gasToken, p.refundReceiver, BigInt(p.nonce)] as const
    const args = [p.to, 0n, p.data, ...rest] as const
    const data = encodeFunctionData({ abi, functionName: 'getTransactionHash', args })
    return readSafe(safe, data)
  }
  const ownersOf = async (safe: Address): Promise<readonly Address[]> => {
    const data = encodeFunctionData({ abi, functionName: 'getOwners' })
    const answer = await readSafe(safe, data)
    return decodeFunctionResult({ abi, functionName: 'getOwners', data: answer })
  }
  const nonceOf = async (safe: Address): Promise<bigint> =>
    BigInt(await readSafe(safe, encodeFunctionData({ abi, functionName: 'nonce' })))
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
  const propose = async (safe: Address, body: unknown): Promise<StandinAnswer> => {
    const parsed = proposalSchema.safeParse(body)
    if (!parsed.success) return { status: 422, body: { detail: parsed.error.message } }
    const { data: proposal } = parsed
    const { contractTransactionHash: given, sender } = proposal
    const hash = await hashOf(safe, proposal)
    if (hash !== given)
      return fault(
        `Contract-transaction-hash=${hash} does not match provided contract-tx-hash=${given}`,
      )
    if (BigInt(proposal.nonce) < (await nonceOf(safe)))
      return fault(`Nonce already executed for safe=${safe}`)
    const signer = await recoverSigner(hash, proposal.signature)
    if (signer !== sender)
      return fault(`Signature does not match sender=${sender}. Calculated owner=${String(signer)}`)
    const owners = await ownersOf(safe)
    const isDelegate = delegates.some(
      (each) => each.delegate === sender && isFor(each, safe, owners),
    )
    if (!owners.includes(sender) && !isDelegate)
      return fault(`Sender=${sender} is not an owner or delegate. Current owners=${String(owners)}`)
    proposals.push(proposal)
    return { status: 201, body: {} }
  }
  const server = await startStandinServer(async ({ method, url, body }) => {
    const [, safe] = /^\/api\/v1\/safes\/(0x[0-9a-fA-F]{40})\//.exec(url.pathname) ?? []
    if (safe !== undefined && safe !== getAddress(safe))
      return fault('Checksum address validation failed')
    if (safe && url.pathname.endsWith('/multisig-transactions/')) {
      if (method === 'POST') return propose(safe as Address, body)
      const isWaiting = url.searchParams.get('executed') === 'false'
      const results = proposals.map(shown).filter((each) => !isWaiting || !each.isExecuted)
      return { status: 200, body: { count: results.length, results: results.reverse() } }
    }
    if (method === 'GET' && url.pathname === '/api/v2/delegates/') {
      const asked = url.searchParams.get('delegate')
      const results = delegates.filter(({ delegate }) => delegate === asked)
      return { status: 200, body: { count: results.length, results } }
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
    addDelegate: (delegate, delegator, { safe, expiryDate } = {}) => {
      delegates = [
        ...delegates,
        {
          safe: safe ? getAddress(safe) : null,
          delegate: getAddress(delegate),
          delegator: getAddress(delegator),
          label: 'of a test',
          expiryDate: expiryDate ?? null,
        },
      ]
    },
    removeDelegates: () => {
      delegates = []
    },
  }
}
