import type { Address } from 'tocsin'
import { parseAbi } from 'viem/utils'
import type { GovernedContext, JudgeLimits } from './types.ts'

const factsAbi = parseAbi([
  'function balanceOf(address account) view returns (uint256)',
  'function totalSupply() view returns (uint256)',
])
const OURS = ['own', 'treasury', 'multisig']

/** What the judgement of a call asks the chain; every answer may be missing. */
export type Facts = {
  /** Named in the watchlist, labelled as one's own, or declared harmless. */
  readonly isOurs: (address: Address) => boolean
  readonly hasCode: (address: Address) => Promise<boolean>
  readonly balanceOf: (token: Address, holder: Address) => Promise<bigint | undefined>
  readonly nativeOf: (holder: Address) => Promise<bigint>
  readonly supplyOf: (token: Address) => Promise<bigint | undefined>
  readonly numberOf: (address: Address, functionName: string) => Promise<bigint | undefined>
  /** Who makes the calls: the timelock, or the governor. */
  readonly executor: Address
  readonly limits: JudgeLimits
}

/** Whether there is a contract: an account that lends itself code (EIP-7702) is still one key's. */
export const isCode = (code: string): boolean =>
  code.length > 2 && !code.toLowerCase().startsWith('0xef0100')

/** A `view` that takes nothing and returns a number; undefined when it does not answer. */
const readNumber = async (
  ctx: Pick<GovernedContext, 'read'>,
  address: Address,
  functionName: string,
): Promise<bigint | undefined> => {
  const abi = parseAbi([`function ${functionName}() view returns (uint256)`] as readonly string[])
  const answer = await ctx.read.call<bigint>({ address, abi, functionName })
  return answer.ok ? answer.value : undefined
}

export const readFacts = (ctx: GovernedContext, executor: Address, limits: JudgeLimits): Facts => ({
  executor,
  limits,
  isOurs: (address) =>
    address === executor ||
    ctx.thingAt(address) !== undefined ||
    limits.knownAddresses.includes(address) ||
    (ctx.labels.get(address)?.tags.some((tag) => OURS.includes(tag)) ?? false),
  hasCode: async (address) => isCode(await ctx.read.code(address)),
  nativeOf: (holder) => ctx.read.balance(holder),
  balanceOf: async (token, holder) => {
    const answer = await ctx.read.call<bigint>({
      address: token,
      abi: factsAbi,
      functionName: 'balanceOf',
      args: [holder],
    })
    return answer.ok ? answer.value : undefined
  },
  supplyOf: async (token) => {
    const answer = await ctx.read.call<bigint>({
      address: token,
      abi: factsAbi,
      functionName: 'totalSupply',
    })
    return answer.ok ? answer.value : undefined
  },
  numberOf: (address, functionName) => readNumber(ctx, address, functionName),
})
