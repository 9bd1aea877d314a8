import { TocsinError } from '../base/index.ts'
import type { Config } from '../config/index.ts'
import { createSignerRpc, type SignerRpc } from '../response/index.ts'
import { EXIT } from './exitCodes.ts'

/** Endpoints by which a command reads a chain: the watchlist's. @throws TocsinError `chain.unknown` */
export const rpcOf = (config: Config, chainId: number): SignerRpc => {
  const chain = config.chains.find(({ id }) => id === chainId)
  if (!chain)
    throw new TocsinError('chain.unknown', `The watchlist has no chain ${chainId}.`, {
      exitCode: EXIT.invalid,
    })
  return createSignerRpc({ chainId, urls: chain.rpc.map(({ http }) => http) })
}
