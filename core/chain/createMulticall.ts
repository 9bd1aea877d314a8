import { decodeFunctionResult, encodeFunctionData, parseAbi } from 'viem/utils'
import { type Address, type Hex, TocsinError } from '../base/index.ts'
import type { RpcOutcome } from './rpcTypes.ts'

export type StateCall = { readonly to: Address; readonly data: Hex }

export type Multicall = {
  /** It has given the answers that the node gives by itself. */
  readonly isTrusted: () => boolean
  /** Compares its answers with those that were had one by one, now and then, until they are the same. */
  readonly learn: (
    calls: readonly StateCall[],
    block: Hex,
    direct: readonly RpcOutcome[],
  ) => Promise<void>
  readonly call: (call: StateCall, block: Hex) => Promise<RpcOutcome>
}

type Waiting = {
  readonly call: StateCall
  readonly resolve: (outcome: RpcOutcome) => void
  readonly reject: (error: unknown) => void
}

const abi = parseAbi([
  'struct Call3 { address target; bool allowFailure; bytes callData; }',
  'struct Result { bool success; bytes returnData; }',
  'function aggregate3(Call3[] calls) payable returns (Result[] returnData)',
])
const MAX_CALLS = 100
/** Where its author put the contract on nearly every chain (mds1/multicall). */
const MULTICALL3: Address = '0xca11bde05977b3631167028862be2a173976ca11'
/** A chain without it is looked at again after this long (ms). */
const AGAIN_MS = 600_000

type Results = readonly { readonly success: boolean; readonly returnData: Hex }[]

/** What Multicall3 answered for each call; undefined when there is no Multicall3 at the block, or it failed as a whole. */
const readResults = (outcome: RpcOutcome | undefined, count: number): Results | undefined => {
  if (!outcome?.ok || typeof outcome.result !== 'string' || outcome.result === '0x')
    return undefined
  try {
    const results = decodeFunctionResult({
      abi,
      functionName: 'aggregate3',
      data: outcome.result as Hex,
    })
    return results.length === count ? results : undefined
  } catch {
    return undefined
  }
}

/** Whether calls that were made one by one have the answers that Multicall3 gives. */
const isSame = (results: Results, direct: readonly RpcOutcome[]): boolean =>
  results.every(({ success, returnData }, index) => {
    const alone = direct[index]
    return !success || (alone?.ok === true && alone.result === returnData)
  }) && results.some(({ success }) => success)

/**
 * Gathers calls of one turn of the event loop into Multicall3 calls at the block: nodes take many calls of one batch
 * up side by side, and the slowest of them is waited for. A call that fails inside is asked for again alone: it may only
 * have lacked the gas that the others used.
 * @param options.address Default: where the contract lies on nearly every chain. `none`: it is not used.
 */
export const createMulticall = (options: {
  readonly address: Address | 'none' | undefined
  readonly callAt: (calls: readonly StateCall[], block: Hex) => Promise<readonly RpcOutcome[]>
}): Multicall | undefined => {
  const { address = MULTICALL3, callAt } = options
  if (address === 'none') return undefined
  const queues = new Map<Hex, Waiting[]>()
  let isTrusted = false
  let askAgainAt = 0

  const askAll = async (calls: readonly StateCall[], block: Hex): Promise<Results | undefined> => {
    const data = encodeFunctionData({
      abi,
      functionName: 'aggregate3',
      args: [calls.map((call) => ({ target: call.to, allowFailure: true, callData: call.data }))],
    })
    const [outcome] = await callAt([{ to: address, data }], block)
    return readResults(outcome, calls.length)
  }

  const learn: Multicall['learn'] = async (calls, block, direct) => {
    if (isTrusted || calls.length < 2 || performance.now() < askAgainAt) return
    askAgainAt = performance.now() + AGAIN_MS
    const results = await askAll(calls, block).catch(() => undefined)
    isTrusted = results !== undefined && isSame(results, direct)
  }

  const aggregate = async (
    calls: readonly StateCall[],
    block: Hex,
  ): Promise<readonly RpcOutcome[]> => {
    const results = await askAll(calls, block)
    // A block from before it was deployed, or all of it failed, most likely for gas: one by one then.
    if (!results) return callAt(calls, block)
    const failed = calls.filter((_, index) => results[index]?.success !== true)
    const again = failed.length > 0 ? await callAt(failed, block) : []
    let next = 0
    return results.map((result): RpcOutcome => {
      if (result.success) return { ok: true, result: result.returnData }
      const alone = again[next++]
      if (alone === undefined) throw new TocsinError('rpc.garbage', 'The answer lacks a call.')
      return alone
    })
  }

  const settle = async (waiting: readonly Waiting[], block: Hex): Promise<void> => {
    try {
      const calls = waiting.map(({ call }) => call)
      const outcomes: RpcOutcome[] = []
      for (let at = 0; at < calls.length; at += MAX_CALLS) {
        const part = calls.slice(at, at + MAX_CALLS)
        outcomes.push(...(await (part.length > 1 ? aggregate : callAt)(part, block)))
      }
      for (const [index, { resolve, reject }] of waiting.entries()) {
        const outcome = outcomes[index]
        if (outcome) resolve(outcome)
        else reject(new TocsinError('rpc.garbage', 'The answer lacks a call.'))
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    }
  }

  return {
    isTrusted: () => isTrusted,
    learn,
    call: (call, block) =>
      new Promise((resolve, reject) => {
        const entry = { call, resolve, reject }
        const queue = queues.get(block)
        if (queue) return void queue.push(entry)
        queues.set(block, [entry])
        setImmediate(() => {
          const waiting = queues.get(block) ?? []
          queues.delete(block)
          void settle(waiting, block)
        })
      }),
  }
}
