import { type Address, type BotContext, exceedsBps } from 'tocsin'
import { erc20Abi } from '../../abis/index.ts'
import type { TransferVerdict } from './judgeTransfer.ts'
import type { LargeTransferParameters } from './parameters.ts'

/**
 * What is High by its amount alone is Medium where it is a small part of the token's supply: of a dollar token of
 * billions, tens of millions are moved all day. What treasuries and exchanges move is judged by their own thresholds.
 * Where the supply is not to be had, the verdict stands.
 */
export const softenBySupply = async (
  ctx: BotContext<LargeTransferParameters>,
  token: Address,
  units: bigint,
  verdict: TransferVerdict,
): Promise<TransferVerdict> => {
  if (verdict.severity !== 'High' || verdict.role === 'treasury' || verdict.role === 'exchange')
    return verdict
  const supply = await ctx.read.call<bigint>({
    address: token,
    abi: erc20Abi,
    functionName: 'totalSupply',
  })
  if (!supply.ok || supply.value === 0n) return verdict
  const { mintBps, supplyBps } = ctx.parameters
  const isLarge = exceedsBps(units, supply.value, verdict.kind === 'mint' ? mintBps : supplyBps)
  return isLarge ? verdict : { ...verdict, severity: 'Medium' }
}
