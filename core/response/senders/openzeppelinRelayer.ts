import { cleanText, messageOf, TocsinError } from '../../base/index.ts'
import type { SenderConfig } from '../../config/types.ts'
import type { ProbeResult } from '../types.ts'
import { asAddress, asBytes, asHash, asId, asList, asRecord, asText, asTimeMs } from './fields.ts'
import { createRelayHttp, describeResponse, type RelayResponse } from './relayHttp.ts'
import type { RelayAnswer, RelayState, RelayTransaction, RemoteSender } from './remoteSender.ts'

const PAGES = 5
const PAGE_SIZE = 50

const STATES: Readonly<Record<string, RelayState>> = {
  pending: 'pending',
  sent: 'pending',
  submitted: 'pending',
  mined: 'mined',
  confirmed: 'mined',
  failed: 'failed',
  expired: 'expired',
  canceled: 'expired',
}

const readTransaction = (value: unknown): RelayTransaction | undefined => {
  const fields = asRecord(value)
  const id = asId(fields['id'])
  if (id === undefined) return undefined
  return {
    id,
    hash: asHash(fields['hash']),
    state: STATES[String(fields['status'])] ?? 'pending',
    to: asAddress(fields['to']),
    data: asBytes(fields['data']),
    createdAtMs: asTimeMs(fields['created_at']),
    reason: cleanText(asText(fields['status_reason']) ?? '', 200),
  }
}

const dataOf = ({ body }: RelayResponse): unknown => asRecord(body)['data']

const need = (response: RelayResponse): RelayResponse => {
  if (response.status === 200) return response
  throw new TocsinError('relay.answer', `The relayer said: ${describeResponse(response)}`)
}

/**
 * OpenZeppelin Relayer by its REST interface. It checks no calldata and keeps no idempotency key, so neither is left to
 * it: one request per call here, and whoever calls looks at the list before asking again. Its key can do everything
 * there: keep it beside the signer, and the relayer off the network.
 */
export const createOpenzeppelinRelayer = (
  config: Extract<SenderConfig, { type: 'openzeppelin-relayer' }>,
  options: { readonly chainId: number; readonly timeoutMs?: number },
): RemoteSender => {
  const http = createRelayHttp({
    sender: config.name,
    url: config.url,
    headers: { authorization: `Bearer ${config.apiKey}` },
    timeoutMs: options.timeoutMs ?? 5_000,
  })
  const root = `api/v1/relayers/${encodeURIComponent(config.relayer)}`
  const readRelayer = async () => asRecord(dataOf(need(await http('GET', root))))
  const account: RemoteSender['account'] = async () => {
    const address = config.address ?? asAddress((await readRelayer())['address'])
    if (address) return address
    throw new TocsinError('relay.answer', `The relayer "${config.relayer}" tells no address.`)
  }
  return {
    name: config.name,
    type: 'openzeppelin-relayer',
    chainId: options.chainId,
    account,
    submit: async (call, signal): Promise<RelayAnswer> => {
      const request = {
        to: call.to,
        value: 0,
        data: call.data,
        gas_limit: Number(call.gasLimit),
        max_fee_per_gas: Number(call.maxFeePerGas),
        max_priority_fee_per_gas: Number(call.maxPriorityFeePerGas),
        valid_until: call.validUntil.toISOString(),
      }
      try {
        const response = await http('POST', `${root}/transactions`, request, signal)
        const { status } = response
        const transaction = status < 300 ? readTransaction(dataOf(response)) : undefined
        if (transaction) return { outcome: 'accepted', transaction }
        const message = describeResponse(response)
        // A server error may come after the relayer has taken it.
        if (status >= 400 && status < 500)
          return { outcome: 'refused', isFinal: status !== 429 && status !== 408, message }
        return { outcome: 'unknown', message }
      } catch (error) {
        return { outcome: 'unknown', message: cleanText(messageOf(error), 300) }
      }
    },
    list: async (_, since, signal) => {
      const found: RelayTransaction[] = []
      for (let page = 1; page <= PAGES; page++) {
        const path = `${root}/transactions/?page=${page}&per_page=${PAGE_SIZE}`
        const items = asList(dataOf(need(await http('GET', path, undefined, signal))))
        const read = items.map(readTransaction).filter((each) => each !== undefined)
        found.push(...read.filter(({ createdAtMs }) => (createdAtMs ?? Infinity) >= +since))
        if (items.length < PAGE_SIZE) return found
      }
      throw new TocsinError('relay.answer', 'The relayer lists more transactions than are read.')
    },
    get: async (id, signal) => {
      const path = `${root}/transactions/${encodeURIComponent(id)}`
      const response = await http('GET', path, undefined, signal)
      if (response.status === 404) return undefined
      const transaction = readTransaction(dataOf(need(response)))
      if (transaction) return transaction
      throw new TocsinError('relay.answer', 'The relayer told a transaction without an id.')
    },
    probe: async (): Promise<readonly ProbeResult[]> => {
      const name = `sender:${config.name}`
      try {
        const relayer = await readRelayer()
        const address = asAddress(relayer['address'])
        const isStopped = relayer['paused'] === true || relayer['system_disabled'] === true
        const isRight = config.address === undefined || config.address === address
        if (isStopped)
          return [
            { name, ok: false, message: `The relayer "${config.relayer}" is paused or disabled.` },
          ]
        if (!isRight)
          return [
            { name, ok: false, message: `The relayer "${config.relayer}" sends from ${address}.` },
          ]
        return [{ name, ok: true, message: `The relayer "${config.relayer}" is up.` }]
      } catch (error) {
        return [{ name, ok: false, message: cleanText(messageOf(error), 300) }]
      }
    },
    stop: async () => undefined,
  }
}
