import {
  type Abi,
  createPublicClient,
  decodeFunctionResult,
  encodeFunctionData,
  http,
  type PublicClient,
} from 'viem'
import { type Address, type Hex, messageOf } from '../../base/index.ts'
import { shown } from '../fault.ts'

/** Longest answer that a probe takes (bytes): the largest contract's code is a fiftieth of it. */
const MAX_ANSWER_BYTES = 4_000_000

/** What a read came to. `refused`: the contract reverted or answered something else; `unreachable`: nobody knows. */
export type ProbeAnswer<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'refused' }
  | { readonly kind: 'unreachable'; readonly reason: string }

export const createProbeClient = (url: string, timeoutMs: number): PublicClient =>
  createPublicClient({
    transport: http(url, {
      timeout: timeoutMs,
      retryCount: 0,
      maxResponseBodySize: MAX_ANSWER_BYTES,
    }),
  })

/** What a transport's error codes mean to somebody who wrote a wrong URL. */
const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name of the host cannot be resolved now',
  ECONNRESET: 'the connection was cut',
  EHOSTUNREACH: 'no way leads to this host',
  ENETUNREACH: 'no way leads to this host',
}
/** The same by the words of errors that have no code of their own. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/wrong version number|WRONG_VERSION_NUMBER|packet length too long/, 'it does not speak TLS'],
  [/Cannot convert \w+ to a BigInt/, 'what it answers is not JSON-RPC'],
  [/Unexpected server response: \d+$/, 'it is no WebSocket'],
  [/ bad port$/, 'this port is never used for HTTP'],
]

/** The error and what caused it, the outermost first. */
const causesOf = (error: unknown): readonly object[] => {
  const causes: object[] = []
  for (let cause = error; typeof cause === 'object' && cause !== null && causes.length < 20; ) {
    causes.push(cause)
    cause = 'cause' in cause ? cause.cause : undefined
  }
  return causes
}

const textIn = (cause: object, key: string): string =>
  key in cause ? String((cause as Readonly<Record<string, unknown>>)[key]) : ''

const reasonIn = (cause: object): string | undefined => {
  if (cause instanceof SyntaxError) return 'what it answers is not JSON'
  const code = textIn(cause, 'code')
  const text = `${code} ${textIn(cause, 'message')}`
  const word = WORDS.find(([pattern]) => pattern.test(text))
  if (word) return word[1]
  if (CAUSES[code] !== undefined) return `${CAUSES[code]} (${code})`
  if (/CERT|SELF_SIGNED/.test(code)) return `its certificate is not good (${code})`
  return Number(textIn(cause, 'status')) >= 300
    ? `it answers HTTP ${textIn(cause, 'status')}`
    : undefined
}

/** The innermost cause that says something. */
const knownReason = (error: unknown): string | undefined =>
  causesOf(error)
    .map(reasonIn)
    .findLast((reason) => reason !== undefined)

/** One short sentence, with neither URL paths nor the request in it. */
export const reasonOf = (error: unknown): string => {
  const known = knownReason(error)
  if (known !== undefined) return known
  const short =
    typeof error === 'object' && error !== null && 'shortMessage' in error
      ? String(error.shortMessage)
      : messageOf(error)
  const details =
    typeof error === 'object' && error !== null && 'details' in error ? String(error.details) : ''
  const text =
    details && !short.includes(details) ? `${short.replace(/\.$/, '')}: ${details}` : short
  return shown(messageOf(text).replace(/\.$/, ''), 200)
}

const nameChain = (error: unknown): readonly string[] =>
  causesOf(error).flatMap((cause) => ('name' in cause ? [String(cause.name)] : []))

const REFUSALS = [
  'ExecutionRevertedError',
  'RpcRequestError',
  'InvalidInputRpcError',
  'AbiDecodingDataSizeTooSmallError',
]
const RPC_TROUBLE = [
  'LimitExceededRpcError',
  'MethodNotFoundRpcError',
  'MethodNotSupportedRpcError',
  'HttpRequestError',
  'TimeoutError',
  'ResourceUnavailableRpcError',
  'ResourceNotFoundRpcError',
]

/** Calls a view function at the latest block and decodes the answer. */
export const readView = async (
  client: PublicClient,
  address: Address,
  abi: Abi,
  functionName: string,
): Promise<ProbeAnswer<unknown>> => {
  let data: Hex | undefined
  try {
    data = (await client.call({ to: address, data: encodeFunctionData({ abi, functionName }) }))
      .data
  } catch (error) {
    const names = nameChain(error)
    const isRefusal =
      names.some((name) => REFUSALS.includes(name)) &&
      !names.some((name) => RPC_TROUBLE.includes(name))
    return isRefusal ? { kind: 'refused' } : { kind: 'unreachable', reason: reasonOf(error) }
  }
  try {
    return { kind: 'value', value: decodeFunctionResult({ abi, functionName, data: data ?? '0x' }) }
  } catch {
    // It answered, but not in the shape of this function: another contract stands here.
    return { kind: 'refused' }
  }
}
