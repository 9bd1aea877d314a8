import type { Address, CallTrace, ChainTransaction, Hex } from 'tocsin'

export type NativeMove = {
  readonly from: Address
  readonly to: Address
  readonly wei: bigint
  readonly txHash: Hex | undefined
}

/** Native coin that top-level transactions moved to or from an address. */
export const topLevelMoves = (
  address: Address,
  block: {
    readonly transactions: readonly ChainTransaction[]
    readonly calls: readonly CallTrace[]
  },
): readonly NativeMove[] => {
  const moves = new Map<Hex, NativeMove>()
  for (const tx of block.transactions) {
    const to = tx.to ?? tx.contractAddress
    if (tx.status !== 'success' || to === null || (tx.value ?? 0n) === 0n || tx.from === to)
      continue
    if (tx.from === address || to === address)
      moves.set(tx.hash, { from: tx.from, to, wei: tx.value ?? 0n, txHash: tx.hash })
  }
  return [...moves.values()]
}

/**
 * What moved without a top-level transaction showing it: by internal calls, as a Safe pays. Fees that the address paid
 * are accounted for.
 */
export const hiddenMove = (
  address: Address,
  balance: { readonly before: bigint; readonly now: bigint },
  transactions: readonly ChainTransaction[],
  seen: readonly NativeMove[],
): bigint => {
  const shown = seen.reduce((sum, move) => sum + (move.to === address ? move.wei : -move.wei), 0n)
  const fees = transactions
    .filter((tx) => tx.from === address)
    .reduce((sum, tx) => sum + tx.gasUsed * tx.effectiveGasPriceWei, 0n)
  return balance.now - balance.before - shown + fees
}
