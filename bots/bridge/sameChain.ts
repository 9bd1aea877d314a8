import type { Json } from 'tocsin'
import type { Side } from './judgeOpen.ts'
import { lockKeys, sinceKey } from './ledger.ts'
import type { BridgeContext, BridgeThing, Open } from './types.ts'

/** The other side where it is on this very chain: its locks are in this state, and what this block says is final enough. */
export const sameChainSide = (
  ctx: BridgeContext,
  thing: BridgeThing,
  waiting: readonly Open[],
): Side => {
  const address = thing.remote?.address ?? ''
  const { number, timestampS } = ctx.block
  const keys = waiting.flatMap((open) =>
    lockKeys(address, {
      id: open.id ?? undefined,
      token: open.token ?? undefined,
      amount: open.amount === null ? undefined : BigInt(open.amount),
      recipient: open.recipient ?? undefined,
    }),
  )
  const at = { number, timestampS }
  return {
    address,
    sinceS: ctx.state.get<number>(sinceKey(address)),
    view: {
      head: at,
      finalized: at,
      isWell: true,
      values: new Map(
        keys.flatMap((key) => {
          const value = ctx.state.get<Json>(key)
          return value === undefined ? [] : [[key, { value, blockNumber: number }] as const]
        }),
      ),
    },
  }
}
