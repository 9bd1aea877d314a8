import { getAddress, hashTypedData, serializeSignature } from 'viem'
import { type Address, cleanText, type Hex, messageOf, TocsinError } from '../../base/index.ts'
import type { SenderConfig } from '../../config/types.ts'
import type { DigestSigner } from '../signerKey.ts'
import type { SignerRpc } from '../signerRpc.ts'
import type { ProbeResult } from '../types.ts'
import { asAddress, asBytes, asHash, asList, asRecord, asTimeMs } from './fields.ts'
import { createRelayHttp, describeResponse, type RelayResponse } from './relayHttp.ts'
import type { RelayAnswer, RelayTransaction, RemoteSender } from './remoteSender.ts'
import { createSafeLink } from './safeLink.ts'
import { findProposerFault } from './safeProposer.ts'

const ZERO: Address = `0x${'0'.repeat(40)}`

/** What owners of a Safe sign: a plain call without value, refund or delegate call. */
export type SafeTransaction = {
  readonly to: Address
  readonly data: Hex
  readonly nonce: bigint
}

/** The hash that owners sign, as the Safe itself computes it (1.3 and later). */
export const hashSafeTransaction = (
  safe: Address,
  chainId: number,
  { to, data, nonce }: SafeTransaction,
): Hex =>
  hashTypedData({
    domain: { chainId, verifyingContract: safe },
    primaryType: 'SafeTx',
    types: {
      SafeTx: [
        { name: 'to', type: 'address' },
        { name: 'value', type: 'uint256' },
        { name: 'data', type: 'bytes' },
        { name: 'operation', type: 'uint8' },
        { name: 'safeTxGas', type: 'uint256' },
        { name: 'baseGas', type: 'uint256' },
        { name: 'gasPrice', type: 'uint256' },
        { name: 'gasToken', type: 'address' },
        { name: 'refundReceiver', type: 'address' },
        { name: 'nonce', type: 'uint256' },
      ],
    },
    message: {
      to,
      value: 0n,
      data,
      operation: 0,
      safeTxGas: 0n,
      baseGas: 0n,
      gasPrice: 0n,
      gasToken: ZERO,
      refundReceiver: ZERO,
      nonce,
    },
  })

type Link = (safeTxHash: Hex) => string

const asNonce = (value: unknown): number | undefined => {
  const nonce = typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN
  return Number.isSafeInteger(nonce) && nonce >= 0 ? nonce : undefined
}

const readTransaction = (
  value: unknown,
  { safe, link }: { readonly safe: Address; readonly link: Link },
): RelayTransaction | undefined => {
  const fields = asRecord(value)
  const id = asHash(fields['safeTxHash'])
  if (id === undefined) return undefined
  const isExecuted = fields['isExecuted'] === true
  const state = isExecuted ? (fields['isSuccessful'] === false ? 'failed' : 'mined') : 'pending'
  return {
    id,
    hash: asHash(fields['transactionHash']),
    state,
    to: asAddress(fields['to']),
    data: asBytes(fields['data']),
    createdAtMs: asTimeMs(fields['submissionDate']),
    reason: '',
    proposal: { safe, nonce: asNonce(fields['nonce']), safeTxHash: id, link: link(id) },
  }
}

/** A proposal as the service takes it, but for who signed it. */
const encodeProposal = (transaction: SafeTransaction, hash: Hex, note: string) => ({
  to: getAddress(transaction.to),
  value: '0',
  data: transaction.data,
  operation: 0,
  safeTxGas: '0',
  baseGas: '0',
  gasPrice: '0',
  gasToken: ZERO,
  refundReceiver: ZERO,
  nonce: transaction.nonce.toString(),
  contractTransactionHash: hash,
  origin: `Tocsin ${note}`.slice(0, 200),
})

const readAnswer = (response: RelayResponse, transaction: RelayTransaction): RelayAnswer => {
  const { status } = response
  if (status === 200 || status === 201) return { outcome: 'accepted', transaction }
  const message = describeResponse(response)
  const isRefused = status >= 400 && status < 500
  return isRefused
    ? { outcome: 'refused', isFinal: status !== 429, message }
    : { outcome: 'unknown', message }
}

const need = (response: RelayResponse): RelayResponse => {
  if (response.status === 200) return response
  throw new TocsinError('relay.answer', `The Safe service said: ${describeResponse(response)}`)
}

/**
 * Proposes the call to the owners of a Safe through a Safe Transaction Service, signed by the signer's key as owner or
 * delegate. People sign and execute it: this sender is slow, and wants a deadline to match. The hash that is proposed
 * is computed here; the service is believed in nothing but what is queued.
 */
export const createSafeSender = (
  config: Extract<SenderConfig, { type: 'safe' }>,
  parts: {
    readonly rpc: SignerRpc
    readonly key: DigestSigner
    readonly timeoutMs?: number
  },
): RemoteSender => {
  const { rpc, key } = parts
  const safe = getAddress(config.safe)
  const http = createRelayHttp({
    sender: config.name,
    url: config.url,
    headers: config.apiKey ? { authorization: `Bearer ${config.apiKey}` } : {},
    timeoutMs: parts.timeoutMs ?? 8_000,
  })
  const root = `api/v1/safes/${safe}`
  const link = createSafeLink({ service: config.url, chainId: rpc.chainId, safe })
  const read = (value: unknown) => readTransaction(value, { safe: config.safe, link })
  const readNonce = async (): Promise<bigint> => {
    // nonce()
    const word = await rpc.get('eth_call', [{ to: safe, data: '0xaffed0e0' }, 'latest'])
    if (typeof word === 'string' && /^0x[0-9a-fA-F]{64}$/.test(word)) return BigInt(word)
    throw new TocsinError('relay.answer', `${safe} is no Safe.`)
  }
  const listQueued = async (path: string, signal?: AbortSignal) =>
    asList(asRecord(need(await http('GET', path, undefined, signal)).body)['results'])
  return {
    name: config.name,
    type: 'safe',
    chainId: rpc.chainId,
    account: async () => config.safe,
    submit: async (call, signal): Promise<RelayAnswer> => {
      try {
        // Beside what waits already: whoever executes first does not void the other.
        const own = await readNonce()
        const queued = await listQueued(
          `${root}/multisig-transactions/?executed=false&nonce__gte=${own}&ordering=-nonce&limit=1`,
          signal,
        )
        const last = asRecord(queued[0])['nonce']
        const nonce = last === undefined ? own : BigInt(Number(last)) + 1n
        const transaction: SafeTransaction = { to: call.to, data: call.data, nonce }
        const hash = hashSafeTransaction(safe, rpc.chainId, transaction)
        const body = {
          ...encodeProposal(transaction, hash, call.note),
          sender: getAddress(key.address),
          signature: serializeSignature(await key.signDigest(hash)),
        }
        const response = await http('POST', `${root}/multisig-transactions/`, body, signal)
        return readAnswer(response, {
          id: hash,
          hash: undefined,
          state: 'pending',
          to: call.to,
          data: call.data,
          createdAtMs: Date.now(),
          reason: '',
          proposal: { safe: config.safe, nonce: Number(nonce), safeTxHash: hash, link: link(hash) },
        })
      } catch (error) {
        return { outcome: 'unknown', message: cleanText(messageOf(error), 300) }
      }
    },
    list: async (call, since, signal) => {
      const items = await listQueued(
        `${root}/multisig-transactions/?to=${getAddress(call.to)}&ordering=-nonce&limit=100`,
        signal,
      )
      return items
        .map(read)
        .filter((each) => each !== undefined)
        .filter(({ createdAtMs }) => (createdAtMs ?? Number.POSITIVE_INFINITY) >= since.getTime())
    },
    get: async (id, signal) => {
      const path = `api/v1/multisig-transactions/${id}/`
      const response = await http('GET', path, undefined, signal)
      if (response.status === 404) return undefined
      const transaction = read(need(response).body)
      if (transaction) return transaction
      throw new TocsinError('relay.answer', 'The Safe service told a transaction without a hash.')
    },
    probe: async (): Promise<readonly ProbeResult[]> => {
      const name = `sender:${config.name}`
      try {
        const [nonce, response] = await Promise.all([readNonce(), http('GET', `${root}/`)])
        need(response)
        const message = await findProposerFault({ rpc, http, safe, proposer: key.address })
        if (message !== undefined) return [{ name, ok: false, message }]
        return [{ name, ok: true, message: `The Safe ${safe} is at nonce ${nonce}.` }]
      } catch (error) {
        return [{ name, ok: false, message: cleanText(messageOf(error), 300) }]
      }
    },
    stop: async () => undefined,
  }
}
