import { keccak256 } from 'viem/utils'
import type { Address, Hex } from '../base/index.ts'
import { type FeeMarket, readFeeMarket } from './fees.ts'
import type { SignerRpc } from './signerRpc.ts'
import type { ActionDefinition, Policy, PolicyFacts } from './types.ts'

/** keccak-256("eip1967.proxy.implementation") - 1 */
const IMPLEMENTATION_SLOT = '0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc'

export type Head = { readonly number: number; readonly timestampS: number }

const asHex = (value: unknown, what: string): Hex => {
  if (typeof value === 'string' && value.startsWith('0x')) return value as Hex
  throw new TypeError(`${what}: not hexadecimal`)
}

export const readHead = async (rpc: SignerRpc): Promise<Head> => {
  const block = await rpc.get('eth_getBlockByNumber', ['latest', false])
  if (
    typeof block !== 'object' ||
    block === null ||
    !('number' in block) ||
    !('timestamp' in block)
  )
    throw new TypeError('latest block: not an object')
  return {
    number: Number(asHex(block.number, 'number')),
    timestampS: Number(asHex(block.timestamp, 'timestamp')),
  }
}

/** What of a block a finding must agree with. */
export type BlockRef = { readonly hash: string; readonly timestampS: number }

export const parseBlockRef = (block: unknown): BlockRef | undefined =>
  typeof block === 'object' && block !== null && 'hash' in block && 'timestamp' in block
    ? { hash: String(block.hash).toLowerCase(), timestampS: Number(block.timestamp) }
    : undefined

/** The canonical block of a number, or undefined while the endpoint does not have it. */
export const readBlockRef = async (rpc: SignerRpc, number: number): Promise<BlockRef | undefined> =>
  parseBlockRef(await rpc.get('eth_getBlockByNumber', [`0x${number.toString(16)}`, false]))

/** A block this deep counts as final where the chain does not say which is. */
const FINAL_DEPTH = 64

/** Newest block that no reorg can take away any more. */
export const readFinal = async (
  rpc: SignerRpc,
  head: number,
  finality: 'tag' | { readonly depth: number } = 'tag',
): Promise<number> => {
  if (finality !== 'tag') return head - finality.depth
  const answer = await rpc.ask('eth_getBlockByNumber', ['finalized', false])
  const block = answer.ok ? answer.value : undefined
  return typeof block === 'object' && block !== null && 'number' in block
    ? Number(asHex(block.number, 'number'))
    : head - FINAL_DEPTH
}

/** keccak-256 of the code, or undefined where there is none. */
export const readCodeHash = async (rpc: SignerRpc, address: Address): Promise<Hex | undefined> => {
  const code = asHex(await rpc.get('eth_getCode', [address, 'latest']), 'code')
  return code === '0x' ? undefined : keccak256(code)
}

/** Address in the EIP-1967 slot; the zero address for a contract that is no such proxy. */
export const readImplementation = async (rpc: SignerRpc, address: Address): Promise<Address> => {
  const word = asHex(
    await rpc.get('eth_getStorageAt', [address, IMPLEMENTATION_SLOT, 'latest']),
    'slot',
  )
  return `0x${word.slice(2).padStart(64, '0').slice(24).toLowerCase()}`
}

/** Whether the post-condition holds at the latest block. A call that reverts does not hold. */
export const readEffect = async (
  rpc: SignerRpc,
  action: ActionDefinition,
  policy: PolicyFacts,
): Promise<boolean> => {
  const calls = action.postcondition.calls(policy)
  const answers = await Promise.all(calls.map((call) => rpc.ask('eth_call', [call, 'latest'])))
  const data = answers.flatMap((answer) =>
    answer.ok && typeof answer.value === 'string' ? [answer.value as Hex] : [],
  )
  return data.length === calls.length && action.postcondition.holds(data, policy)
}

/** The same by so many endpoints: nothing is left undone on the word of one that lags or lies. */
export const readEffectBy = async (
  rpc: SignerRpc,
  action: ActionDefinition,
  policy: PolicyFacts,
  needed: number,
): Promise<boolean> => {
  if (!(await readEffect(rpc, action, policy))) return false
  if (needed <= 1) return true
  const calls = action.postcondition.calls(policy)
  const perCall = calls.map((call) => rpc.askEach('eth_call', [call, 'latest']))
  const answers = await Promise.all(perCall.map((each) => Promise.allSettled(each)))
  const endpoints = answers[0]?.length ?? 0
  const agreeing = Array.from({ length: endpoints }, (_, endpoint) => {
    const data = answers.flatMap((each) => {
      const settled = each[endpoint]
      const answer = settled?.status === 'fulfilled' ? settled.value : undefined
      return answer?.ok && typeof answer.value === 'string' ? [answer.value as Hex] : []
    })
    return data.length === calls.length && action.postcondition.holds(data, policy)
  })
  return agreeing.filter(Boolean).length >= needed
}

/** Next nonce by the latest block, never by the mempool: what is stuck there gets replaced. */
export const readNonce = async (rpc: SignerRpc, signer: Address): Promise<number> =>
  Number(asHex(await rpc.get('eth_getTransactionCount', [signer, 'latest']), 'nonce'))

export const readBalance = async (rpc: SignerRpc, signer: Address): Promise<bigint> =>
  BigInt(asHex(await rpc.get('eth_getBalance', [signer, 'latest']), 'balance'))

export const readFees = async (rpc: SignerRpc): Promise<FeeMarket> =>
  readFeeMarket(await rpc.get('eth_feeHistory', ['0xa', 'latest', [90]]))

/** Why the code at the target is not what was approved, or undefined. */
export const checkCode = async (rpc: SignerRpc, policy: Policy): Promise<string | undefined> => {
  const [codeHash, implementation] = await Promise.all([
    readCodeHash(rpc, policy.target),
    policy.implementation === undefined ? undefined : readImplementation(rpc, policy.target),
  ])
  if (codeHash === undefined) return `there is no code at ${policy.target}`
  if (codeHash !== policy.codeHash)
    return `the code at ${policy.target} is not the approved one (${codeHash})`
  if (implementation !== policy.implementation)
    return `the implementation behind ${policy.target} is ${implementation}, approved was ${policy.implementation}`
  return undefined
}
