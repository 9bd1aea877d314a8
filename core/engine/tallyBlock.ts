import { hash } from 'node:crypto'
import type { Address } from '../base/index.ts'
import type { ChainBlock, ChainLog } from '../chain/types.ts'
import { bloomBits, bloomMayHold, parseBloom } from './bloom.ts'
import type { TallyRow } from './engineStore.ts'

/** What the watched addresses emitted in a block; undefined when the block came without its logs. */
export type TallyBlock = (block: ChainBlock) => readonly TallyRow[] | undefined

type Draft = { logs: number; text: string; places: string; txHash: string }

const add = (draft: Draft, log: ChainLog): void => {
  draft.logs++
  draft.text += `${log.logIndex}|${log.txHash}|${log.topics.join(',')}|${log.data}\n`
  if (draft.txHash === log.txHash) draft.places += `,${log.logIndex}`
  else draft.places += `${draft.places ? ';' : ''}${log.txHash}:${log.logIndex}`
  draft.txHash = log.txHash
}

const collect = (block: ChainBlock, watched: ReadonlySet<Address>): ReadonlyMap<Address, Draft> => {
  const drafts = new Map<Address, Draft>()
  for (const { logs } of block.transactions)
    for (const log of logs) {
      if (!watched.has(log.address)) continue
      const known = drafts.get(log.address)
      const draft = known ?? { logs: 0, text: '', places: '', txHash: '' }
      if (!known) drafts.set(log.address, draft)
      add(draft, log)
    }
  return drafts
}

/**
 * Counts the logs of watched addresses and takes a digest of place and content, in such a form that Postgres finds the
 * same in the rows of the index. A log of anybody else costs a hash look-up.
 */
export const createTally = (addresses: readonly Address[]): TallyBlock => {
  const watched = new Set(addresses)
  const bits = addresses.map(bloomBits)
  const mayConcern = (block: ChainBlock): boolean => {
    const bloom = parseBloom(block.logsBloom)
    return bloom === undefined || bits.some((one) => bloomMayHold(bloom, one))
  }
  return (block) => {
    if (block.skipped === true) return mayConcern(block) ? undefined : []
    return [...collect(block, watched)].map(([address, { logs, text, places }]) => ({
      address,
      logs,
      digest: hash('sha256', text.toLowerCase()),
      places: places.toLowerCase(),
    }))
  }
}
