import { cleanText, messageOf, TocsinError } from '../../base/index.ts'
import type { SenderConfig } from '../../config/types.ts'
import type { ProbeResult } from '../types.ts'
import { createDefenderThread, type DefenderAnswer } from './defenderThread.ts'
import { asAddress, asBytes, asHash, asId, asList, asRecord, asTimeMs } from './fields.ts'
import { parseSenderUrl } from './relayHttp.ts'
import type { RelayAnswer, RelayState, RelayTransaction, RemoteSender } from './remoteSender.ts'

const STATES: Readonly<Record<string, RelayState>> = {
  pending: 'pending',
  sent: 'pending',
  submitted: 'pending',
  inmempool: 'pending',
  mined: 'mined',
  confirmed: 'mined',
  failed: 'failed',
  expired: 'expired',
}

const readTransaction = (value: unknown): RelayTransaction | undefined => {
  const fields = asRecord(value)
  const id = asId(fields['transactionId'])
  if (id === undefined) return undefined
  return {
    id,
    // An intent has none yet.
    hash: asHash(fields['hash']),
    state: STATES[String(fields['status'])] ?? 'pending',
    to: asAddress(fields['to']),
    data: asBytes(fields['data']),
    createdAtMs: asTimeMs(fields['createdAt']),
    reason: '',
  }
}

const describe = (answer: Extract<DefenderAnswer, { ok: false }>): string =>
  cleanText(`${answer.status ? `HTTP ${answer.status} ` : ''}${answer.message}`, 300)

const need = (answer: DefenderAnswer): unknown => {
  if (answer.ok) return answer.value
  throw new TocsinError('relay.answer', `Defender said: ${describe(answer)}`)
}

/** The SDK puts some refusals in words of its own, without the status. */
const isRefusal = ({ status, message }: Extract<DefenderAnswer, { ok: false }>): boolean =>
  (status !== undefined && status >= 400 && status < 500) ||
  /api key is either expired or invalid|failed to get a token/i.test(message)

/**
 * A Defender relayer, or whatever speaks its interface, by the official SDK. The SDK repeats sends, and on some faults
 * never comes back: so retries are off, it runs in a thread that is ended at its deadline, one call here is one request
 * at most, and calldata goes through untouched, not through its signer classes. The hosted service ended on 2026-07-01.
 */
export const createDefenderSender = (
  config: Extract<SenderConfig, { type: 'defender' }>,
  options: { readonly chainId: number; readonly timeoutMs?: number },
): RemoteSender => {
  const thread = createDefenderThread({
    // The key's secret is posted there in plain text.
    url: parseSenderUrl(config.name, config.url).href,
    apiKey: config.apiKey,
    apiSecret: config.apiSecret,
    timeoutMs: options.timeoutMs ?? 8_000,
  })
  const readRelayer = async (): Promise<Readonly<Record<string, unknown>>> =>
    asRecord(need(await thread.ask({ kind: 'relayer' })))
  // Loads and logs in before it is needed; whether that went well is for the probe to say.
  void readRelayer().catch(() => undefined)
  return {
    name: config.name,
    type: 'defender',
    chainId: options.chainId,
    account: async () => {
      const address = config.address ?? asAddress((await readRelayer())['address'])
      if (address) return address
      throw new TocsinError('relay.answer', 'Defender tells no address of the relayer.')
    },
    submit: async (call, signal): Promise<RelayAnswer> => {
      const payload = {
        to: call.to,
        data: call.data,
        value: '0',
        gasLimit: String(call.gasLimit),
        maxFeePerGas: String(call.maxFeePerGas),
        maxPriorityFeePerGas: String(call.maxPriorityFeePerGas),
        validUntil: call.validUntil.toISOString(),
      }
      try {
        const answer = await thread.ask({ kind: 'send', payload }, signal)
        if (!answer.ok) {
          const message = describe(answer)
          if (!isRefusal(answer)) return { outcome: 'unknown', message }
          return { outcome: 'refused', isFinal: ![408, 429].includes(answer.status ?? 0), message }
        }
        const transaction = readTransaction(answer.value)
        if (transaction) return { outcome: 'accepted', transaction }
        return { outcome: 'unknown', message: 'Defender told no id.' }
      } catch (error) {
        return { outcome: 'unknown', message: cleanText(messageOf(error), 300) }
      }
    },
    list: async (_, since, signal) => {
      const told = need(await thread.ask({ kind: 'list', since: since.toISOString() }, signal))
      const items = Array.isArray(told) ? told : asList(asRecord(told)['items'])
      return items
        .map(readTransaction)
        .filter((each) => each !== undefined)
        .filter(({ createdAtMs }) => (createdAtMs ?? Number.POSITIVE_INFINITY) >= since.getTime())
    },
    get: async (id, signal) => {
      const answer = await thread.ask({ kind: 'get', transactionId: id }, signal)
      if (!answer.ok && answer.status === 404) return undefined
      const transaction = readTransaction(need(answer))
      if (transaction) return transaction
      throw new TocsinError('relay.answer', 'Defender told a transaction without an id.')
    },
    probe: async (): Promise<readonly ProbeResult[]> => {
      const name = `sender:${config.name}`
      try {
        const relayer = await readRelayer()
        const address = asAddress(relayer['address'])
        const isRight = config.address === undefined || config.address === address
        if (relayer['paused'] === true)
          return [{ name, ok: false, message: 'The Defender relayer is paused.' }]
        if (!isRight)
          return [{ name, ok: false, message: `The Defender relayer sends from ${address}.` }]
        return [{ name, ok: true, message: 'The Defender relayer is up.' }]
      } catch (error) {
        return [{ name, ok: false, message: cleanText(messageOf(error), 300) }]
      }
    },
    stop: thread.stop,
  }
}
