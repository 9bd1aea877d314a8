import type { Address } from '../base/index.ts'
import type { IndexerRpc } from './indexerRpc.ts'

const hasCode = async (rpc: IndexerRpc, address: Address, block: number): Promise<boolean> => {
  const code = await rpc('eth_getCode', [address, `0x${block.toString(16)}`])
  return typeof code === 'string' && code.length > 2
}

/**
 * The block in which a contract got its code, by halving; undefined when there is no code at `head`.
 * Throws what the node throws when it does not keep old state.
 */
export const findDeployBlock = async (
  rpc: IndexerRpc,
  address: Address,
  head: number,
): Promise<number | undefined> => {
  if (!(await hasCode(rpc, address, head))) return undefined
  let without = -1
  let withCode = head
  while (withCode - without > 1) {
    const middle = Math.floor((without + withCode) / 2)
    if (await hasCode(rpc, address, middle)) withCode = middle
    else without = middle
  }
  return withCode
}
