import { cleanText, type Hex, TocsinError } from '../base/index.ts'
import type { HttpAnswer } from './postJson.ts'
import type { RpcCall, RpcOutcome, RpcRejection } from './rpcTypes.ts'

const EXECUTION_FAILED =
  /revert|out ?of ?gas|invalid opcode|invalid jump|stack (?:under|over)flow|EVM error|gas required exceeds|insufficient funds|VM execution|max code size|opcode.*not/i
const TRANSIENT =
  /header not found|block not found|unknown block|missing trie node|not available|rate|limit|too many|capacity|timed? ?out|busy|overload|try again|temporar|internal|upstream|unavailable|connection/i
const METHOD_MISSING =
  /method.*(?:not (?:found|exist|available|supported|implemented|whitelisted)|does not exist|is not)|unsupported method|unknown method/i

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const findData = (value: unknown): Hex | undefined => {
  if (typeof value === 'string' && /^0x[0-9a-fA-F]*$/.test(value)) return value as Hex
  if (isRecord(value) && 'data' in value) return findData(value['data'])
  return undefined
}

/** Sorts a JSON-RPC error: definite (returned) or transient (undefined). */
const classifyError = (code: number, message: string, data: unknown): RpcRejection | undefined => {
  const isExecution = code === 3 || EXECUTION_FAILED.test(message)
  if (isExecution) return { code, message, data: findData(data), isExecution: true }
  if (code === -32601 || METHOD_MISSING.test(message))
    return { code: -32601, message, data: undefined, isExecution: false }
  if (code === -32005 || code === 429) return undefined
  if (code === -32602 || code === -32600)
    return TRANSIENT.test(message)
      ? undefined
      : { code, message, data: undefined, isExecution: false }
  // -32603, -32000 and everything a provider made up: they mean anything, so time may heal them.
  return undefined
}

const readOne = (raw: unknown): RpcOutcome | TocsinError => {
  if (!isRecord(raw)) throw new TocsinError('rpc.garbage', 'The answer is not JSON-RPC.')
  const error = raw['error']
  if (isRecord(error)) {
    const code = Number(error['code'] ?? 0)
    const message = cleanText(String(error['message'] ?? 'no message'), 200)
    const rejection = classifyError(code, message, error['data'])
    if (rejection) return { ok: false, error: rejection }
    return new TocsinError('rpc.transient', `The node answered: ${message} (${code}).`)
  }
  if (!('result' in raw)) throw new TocsinError('rpc.garbage', 'The answer holds no result.')
  return { ok: true, result: raw['result'] }
}

/**
 * Outcomes of an HTTP answer in the order of the calls; `rpc.transient` in the place of a call that failed in a way
 * that time may heal.
 * @throws TocsinError `rpc.http`, `rpc.rate_limited`, `rpc.garbage`, `rpc.transient`, `rpc.no_batch`
 */
export const readAnswer = (
  answer: HttpAnswer,
  calls: readonly RpcCall[],
): readonly (RpcOutcome | TocsinError)[] => {
  const { status, text, retryAfterMs } = answer
  const retry = retryAfterMs === undefined ? {} : { retry: { afterMs: retryAfterMs } }
  if (status === 429)
    throw new TocsinError('rpc.rate_limited', 'HTTP 429: too many requests.', retry)
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (cause) {
    if (status !== 200) throw new TocsinError('rpc.http', `HTTP ${status}.`, { cause, ...retry })
    throw new TocsinError('rpc.garbage', 'The answer is not JSON; it may have been cut short.', {
      cause,
    })
  }
  if (calls.length === 1 && !Array.isArray(body)) {
    if (status >= 500 && !(isRecord(body) && 'error' in body))
      throw new TocsinError('rpc.http', `HTTP ${status}.`, retry)
    return [readOne(body)]
  }
  if (!Array.isArray(body)) {
    if (status >= 500) throw new TocsinError('rpc.http', `HTTP ${status}.`, retry)
    const error = isRecord(body) && isRecord(body['error']) ? body['error'] : {}
    const message = cleanText(String(error['message'] ?? 'no list'), 200)
    if (/batch/i.test(message) || error['code'] === -32600)
      throw new TocsinError('rpc.no_batch', `The node takes no batches: ${message}.`)
    throw new TocsinError('rpc.transient', `The node answered a batch with: ${message}.`)
  }
  const byId = new Map<unknown, unknown>()
  for (const item of body) if (isRecord(item)) byId.set(item['id'], item)
  return calls.map((_, index) => {
    const item = byId.get(index)
    if (item === undefined)
      throw new TocsinError('rpc.garbage', 'The answer to a batch lacks one of its calls.')
    return readOne(item)
  })
}
