import { encodeFunctionData, parseAbi } from 'viem/utils'
import type { Address, Hex } from '../base/index.ts'
import type { RpcAnswer, SignerRpc } from './signerRpc.ts'

const abi = parseAbi([
  'function isValidSignature(bytes32 hash, bytes signature) view returns (bytes4)',
])
/** What ERC-1271 answers for a signature that holds: the selector, in a word of its own. */
const HOLDS = `0x1626ba7e${'0'.repeat(56)}`
/** Owners of a Safe come and go: it is asked again after so long (ms). */
const FRESH_MS = 60_000
/** While nobody can be asked, what was found counts for so long (ms). */
const KEEP_MS = 3_600_000
const MAX_KEPT = 1_000

/** A signature in the name of a contract. */
export type ContractSignature = {
  /** Name of the chain, as the watchlist calls it. */
  readonly chain: string
  readonly address: Address
  readonly hash: Hex
  readonly signature: Hex
}

/** Whether a contract says that a signature is its own (ERC-1271), by its state at the latest block; else why not. */
export type CheckContractSignature = (of: ContractSignature) => Promise<true | string>

const judge = (answers: readonly (RpcAnswer | undefined)[]): boolean | undefined => {
  const verdicts = answers.flatMap((answer) => {
    if (!answer) return []
    return [answer.ok && answer.value === HOLDS]
  })
  return verdicts.length === 0 ? undefined : verdicts.every(Boolean)
}

/**
 * Asks every endpoint of the contract's chain: one that says no is enough. What was found is good for a minute, and for
 * an hour while no endpoint answers.
 */
export const createContractCheck = (
  rpcOf: (chain: string) => SignerRpc | undefined,
): CheckContractSignature => {
  const kept = new Map<string, { readonly holds: boolean; readonly atMs: number }>()
  const ask = async (rpc: SignerRpc, of: ContractSignature): Promise<boolean | undefined> => {
    const args = [of.hash, of.signature] as const
    const data = encodeFunctionData({ abi, functionName: 'isValidSignature', args })
    const asked = rpc.askEach('eth_call', [{ to: of.address, data }, 'latest'])
    return judge(await Promise.all(asked.map((each) => each.catch(() => undefined))))
  }
  return async (of) => {
    const { chain, address } = of
    const rpc = rpcOf(chain)
    if (!rpc) return `there is no endpoint for ${chain}, where ${address} is`
    const key = [chain, address, of.hash, of.signature].join(' ')
    const last = kept.get(key)
    const ageMs = last ? Date.now() - last.atMs : Number.POSITIVE_INFINITY
    const no = `${address} on ${chain} does not say that the signature is its own`
    if (last && ageMs < FRESH_MS) return last.holds || no
    const found = await ask(rpc, of)
    if (found === undefined)
      return (last?.holds === true && ageMs < KEEP_MS) || `${address} on ${chain} cannot be asked`
    if (kept.size >= MAX_KEPT) kept.clear()
    kept.set(key, { holds: found, atMs: Date.now() })
    return found || no
  }
}
