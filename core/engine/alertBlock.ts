import type { Address, Hex } from '../base/index.ts'
import type { ChainTransaction } from '../chain/types.ts'
import type { AlertBlock, BotBlock } from './types.ts'

type Index = {
  readonly byHash: ReadonlyMap<Hex, ChainTransaction>
  readonly byAddress: Map<Address, readonly ChainTransaction[]>
}

const concerns = (tx: ChainTransaction, address: Address): boolean =>
  tx.from === address ||
  tx.to === address ||
  tx.contractAddress === address ||
  tx.logs.some((log) => log.address === address)

/** A block as `handleAlert` sees it: its transactions are looked through when somebody asks. */
export const createAlertBlock = (
  block: BotBlock,
  transactions: readonly ChainTransaction[],
): AlertBlock => {
  let index: Index | undefined
  const open = (): Index => {
    if (!index) {
      // Those of the bot's own have their calldata.
      const own = new Map(block.transactions.map((tx) => [tx.hash, tx]))
      const all = transactions.map((tx) => own.get(tx.hash) ?? tx)
      index = { byHash: new Map(all.map((tx) => [tx.hash, tx])), byAddress: new Map() }
    }
    return index
  }
  return {
    ...block,
    transaction: (hash) => open().byHash.get(hash.toLowerCase() as Hex),
    touching: (address) => {
      const { byHash, byAddress } = open()
      const key = address.toLowerCase() as Address
      const known = byAddress.get(key)
      if (known) return known
      const found = [...byHash.values()].filter((tx) => concerns(tx, key))
      byAddress.set(key, found)
      return found
    },
  }
}
