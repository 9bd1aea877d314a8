import type { Address, ChainTransaction } from 'tocsin'
import { parseAbi, toEventSelector } from 'viem/utils'
import type { ReentrancyContext } from './types.ts'

const TRANSFER = toEventSelector('Transfer(address,address,uint256)')
const balanceAbi = parseAbi(['function balanceOf(address account) view returns (uint256)'])
const MAX_TOKENS = 16

const addressIn = (topic: string | undefined): string => `0x${topic?.slice(-40) ?? ''}`

/** What left a thing, net of what came in. */
export type Loss = {
  /** Zero: the native coin. */
  readonly token: Address | undefined
  readonly amountUnits: bigint
  readonly beforeUnits: bigint
  /** It went to one of those who came back in, or to who sent the transaction. */
  readonly toIntruder: boolean
}

type Flow = {
  readonly token: Address
  readonly from: string
  readonly to: string
  readonly amount: bigint
}

/** Transfers of tokens in a transaction, those of the thing's own shares left out. */
const flowsOf = (address: Address, tx: ChainTransaction | undefined): readonly Flow[] =>
  (tx?.logs ?? []).flatMap((log): readonly Flow[] => {
    const isTransfer =
      log.topics[0] === TRANSFER && log.topics.length === 3 && log.data.length >= 66
    if (!isTransfer || log.address === address) return []
    const [from, to] = [addressIn(log.topics[1]), addressIn(log.topics[2])]
    return [{ token: log.address, from, to, amount: BigInt(log.data.slice(0, 66)) }]
  })

/** Net amount that went from an address, to those of whom `who` holds. */
const netOut = (
  flows: readonly Flow[],
  address: Address,
  who: (other: string) => boolean,
): bigint =>
  flows.reduce((sum, { from, to, amount }) => {
    if (from === address && who(to)) return sum + amount
    return to === address && who(from) ? sum - amount : sum
  }, 0n)

/**
 * Net outflow of a thing in one transaction, by its tokens; of the native coin in the block, since no log tells it.
 * Asked only when somebody re-entered.
 */
export const measureLoss = async (
  ctx: ReentrancyContext,
  address: Address,
  tx: ChainTransaction | undefined,
  intruders: ReadonlySet<string>,
): Promise<readonly Loss[]> => {
  const flows = flowsOf(address, tx)
  const tokens = [...new Set(flows.map(({ token }) => token))].slice(0, MAX_TOKENS)
  const losses: Loss[] = []
  for (const token of tokens) {
    const own = flows.filter((flow) => flow.token === token)
    const out = netOut(own, address, () => true)
    if (out <= 0n) continue
    const before = await ctx.read.call<bigint>({
      address: token,
      abi: balanceAbi,
      functionName: 'balanceOf',
      args: [address],
      at: 'parent',
    })
    losses.push({
      token,
      amountUnits: out,
      beforeUnits: before.ok ? before.value : 0n,
      toIntruder: netOut(own, address, (other) => intruders.has(other)) > 0n,
    })
  }
  const [before, after] = await Promise.all([
    ctx.read.balance(address, 'parent'),
    ctx.read.balance(address),
  ])
  if (after < before)
    losses.push({
      token: undefined,
      amountUnits: before - after,
      beforeUnits: before,
      toIntruder: true,
    })
  return losses
}
