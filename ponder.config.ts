import { readFileSync } from 'node:fs'
import { createConfig } from 'ponder'
import type { IndexerEndpoints, IndexerInput } from './core/indexer/types.ts'

const read = (name: string): string => {
  const value = process.env[name]
  if (!value)
    throw new Error(`${name} is not set. Start the indexer by \`tocsin run indexer\` (or start).`)
  return value
}

/** Derived from the watchlist: what to index. */
export const input: IndexerInput = JSON.parse(readFileSync(read('TOCSIN_INDEXER_INPUT'), 'utf8'))
const endpoints: IndexerEndpoints = JSON.parse(read('TOCSIN_INDEXER_ENDPOINTS'))

const contractsOn = (chainId: number) =>
  input.contracts.filter((contract) => contract.chainId === chainId)

export default createConfig({
  // A chain that lags must not hold up the others.
  ordering: 'multichain',
  chains: Object.fromEntries(
    input.chains.map(({ name, id }) => [
      name,
      {
        id,
        rpc: [...(endpoints[name]?.rpc ?? [])],
        pollingInterval: endpoints[name]?.pollingIntervalMs ?? 1_000,
        // A local chain that starts anew has other blocks under the same numbers.
        disableCache: id === 31_337 || id === 1_337,
      },
    ]),
  ),
  contracts: {
    // One source for all contracts: one eth_getLogs per block range, not one per contract and event. `Log` stands for
    // any log: the launcher takes the topic filter away (see core/indexer/launch.ts), and src/ decodes.
    Watched: {
      abi: [{ type: 'event', name: 'Log', inputs: [] }] as const,
      chain: Object.fromEntries(
        input.chains.map(({ name, id }) => [
          name,
          {
            address: contractsOn(id).map(({ address }) => address),
            startBlock: Math.min(...contractsOn(id).map(({ startBlock }) => startBlock)),
          },
        ]),
      ),
    },
  },
})
