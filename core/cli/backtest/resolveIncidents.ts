import type { Hex } from '../../base/index.ts'
import type { RpcPool } from '../../chain/index.ts'
import { ConfigError, type Fault, type LabelledIncident } from '../../config/index.ts'
import type { Config } from '../../config/types.ts'
import type { Incident } from './incidentScore.ts'

/** Transactions asked for at once. */
const AT_ONCE = 50

const blockOf = (answer: unknown): number | undefined => {
  if (typeof answer !== 'object' || answer === null || !('blockNumber' in answer)) return undefined
  const number = Number(answer.blockNumber ?? Number.NaN)
  return Number.isSafeInteger(number) ? number : undefined
}

/** In which block each transaction lies. */
const findBlocks = async (
  pool: RpcPool,
  hashes: readonly Hex[],
): Promise<ReadonlyMap<Hex, number>> => {
  const found = new Map<Hex, number>()
  for (let at = 0; at < hashes.length; at += AT_ONCE)
    await Promise.all(
      hashes.slice(at, at + AT_ONCE).map(async (hash) => {
        const block = blockOf(await pool.request('eth_getTransactionReceipt', [hash]))
        if (block !== undefined) found.set(hash, block)
      }),
    )
  return found
}

/**
 * The incidents of one chain and range, with blocks for their transactions. Those that lie wholly outside of the range
 * are left out.
 * @throws ConfigError when the chain does not know a transaction
 */
export const resolveIncidents = async (options: {
  readonly labelled: readonly LabelledIncident[]
  readonly config: Config
  readonly chain: string
  readonly pool: RpcPool
  readonly from: number
  readonly to: number
}): Promise<{ readonly incidents: readonly Incident[]; readonly outside: number }> => {
  const { config, chain, from, to } = options
  const here = options.labelled.filter((one) => one.chain === chain)
  const hashes = here.flatMap(({ txs, loss }) => [
    ...txs,
    ...(typeof loss === 'string' ? [loss] : []),
  ])
  const blocks = await findBlocks(options.pool, [...new Set(hashes)])
  const faults: Fault[] = []
  const all = here.map((one): Incident => {
    const at = (hash: Hex, place: LabelledIncident['at']): number => {
      const block = blocks.get(hash)
      if (block === undefined)
        faults.push({
          ...place,
          path: `incidents[${one.name}]`,
          problem: `${chain} does not know the transaction ${hash}`,
          mend: 'Correct the hash, or name the chain on which it was mined.',
        })
      return block ?? 0
    }
    const mined = one.txs.map((hash, index) => at(hash, one.txsAt[index] ?? one.at))
    const start = one.from ?? Math.min(...mined)
    const last = mined.length > 0 ? Math.max(...mined) : undefined
    return {
      name: one.name,
      from: start,
      to: one.to ?? Math.max(start, last ?? start),
      loss: typeof one.loss === 'string' ? at(one.loss, one.lossAt) : (one.loss ?? last),
      txs: one.txs,
      things: one.things,
      addresses: config.watch
        .filter((thing) => thing.chain === chain && one.things.includes(thing.name))
        .map(({ address }) => address),
      bots: one.bots,
      alerts: one.alerts,
    }
  })
  if (faults.length > 0) throw new ConfigError(faults)
  const incidents = all.filter((one) => one.from <= to && one.to >= from)
  return { incidents, outside: options.labelled.length - incidents.length }
}
