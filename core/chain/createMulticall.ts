import { decodeFunctionResult, encodeFunctionData, parseAbi } from 'viem/utils'
import { type Address, type Hex, TocsinError } from '../base/index.ts'
import type { RpcOutcome } from './rpcTypes.ts'

export type StateCall = { readonly to: Address; readonly data: Hex }

export type Multicall = {
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

/**
 * Gathers calls of one turn of the event loop into Multicall3 calls at the block. A call that fails inside is asked
 * for again alone: it may only have lacked the gas that the others used.
 */
export const createMulticall = (options: {
  readonly address: Address | undefined
  readonly callAt: (calls: readonly StateCall[], block: Hex) => Promise<readonly RpcOutcome[]>
  readonly codeAt: (address: Address, block: Hex) => Promise<Hex>
}): Multicall | undefined => {
  const { address, callAt } = options
  if (address === undefined) return undefined
  const queues = new Map<Hex, Waiting[]>()
  let isDeployed = false

  const aggregate = async (
    calls: readonly StateCall[],
    block: Hex,
  ): Promise<readonly RpcOutcome[]> => {
    const data = encodeFunctionData({
      abi,
      functionName: 'aggregate3',
      args: [calls.map((call) => ({ target: call.to, allowFailure: true, callData: call.data }))],
    })
    const [outcome] = await callAt([{ to: address, data }], block)
    // The whole of it failed, most likely for gas: one by one then.
    if (!outcome?.ok) return callAt(calls, block)
    const results = decodeFunctionResult({
      abi,
      functionName: 'aggregate3',
      data: outcome.result as Hex,
    })
    if (results.length !== calls.length)
      throw new TocsinError('rpc.garbage', 'Multicall3 answered with another number of results.')
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
      if (!isDeployed && calls.length > 1)
        isDeployed = (await options.codeAt(address, block)) !== '0x'
      const isWorth = isDeployed && calls.length > 1
      const outcomes: RpcOutcome[] = []
      for (let at = 0; at < calls.length; at += MAX_CALLS) {
        const part = calls.slice(at, at + MAX_CALLS)
        outcomes.push(...(isWorth ? await aggregate(part, block) : await callAt(part, block)))
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
