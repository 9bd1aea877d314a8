import type { Stack } from '../support/stack.ts'

export type RpcLog = {
  readonly address: string
  readonly topics: readonly string[]
  readonly data: string
  readonly blockNumber: string
  readonly blockHash: string
  readonly transactionHash: string
  readonly transactionIndex: string
  readonly logIndex: string
}

/** Every log that the watched contracts ever emitted, as the node has it. */
export const readWatchedLogs = (stack: Stack): Promise<readonly RpcLog[]> => {
  const { usd, vault, pair, pool, governor, timelock, safe } = stack.deployment
  const address = [usd, vault, pair, pool, governor, timelock, safe].map((one) => one.address)
  return stack.anvil.rpc('eth_getLogs', [{ address, fromBlock: '0x0', toBlock: 'latest' }])
}
