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

/** One short sentence, with neither URL paths nor the request in it. */
export const reasonOf = (error: unknown): string => {
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

const nameChain = (error: unknown): readonly string[] => {
  const names: string[] = []
  for (let cause = error; typeof cause === 'object' && cause !== null && names.length < 20; ) {
    if ('name' in cause) names.push(String(cause.name))
    cause = 'cause' in cause ? cause.cause : undefined
  }
  return names
}

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
