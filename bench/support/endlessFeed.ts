import type { Hex } from 'viem'
import type { ChainBlock, ChainLog, ChainSource, ChainTransaction } from '../../core/chain/types.ts'
import { createRandom } from '../../demo/random.ts'
import type { Recording } from './recordFeed.ts'
import { questionOf } from './recordSource.ts'

export type EndlessFeed = {
  readonly source: ChainSource
  readonly next: () => ChainBlock
}

const BLOCK_TIME_S = 12
/** Blocks whose reads may still be asked for. */
const KEPT = 64
const word = (value: number | bigint): Hex => `0x${value.toString(16).padStart(64, '0')}`
const padded = (address: Hex): Hex => `0x${address.slice(2).padStart(64, '0')}`
const userAt = (index: number): Hex =>
  `0x${(0x5eed_0000_0000 + index).toString(16).padStart(40, '0')}`

/**
 * Recorded blocks forth and back without end, so that what is read goes on from block to block, with other people in
 * the place of those who were recorded: each time one of so many.
 */
export const createEndlessFeed = (
  recording: Recording,
  templates: readonly ChainBlock[],
  users: number,
): EndlessFeed => {
  const random = createRandom(11)
  const contracts = new Set(recording.things.map(({ address }) => address.toLowerCase()))
  const people = [
    ...new Set(templates.flatMap(({ transactions }) => transactions.map(({ from }) => from))),
  ].filter((address) => !contracts.has(address))
  const templateOf = new Map<Hex, Hex>()
  let number = templates[0]?.number ?? 1
  let timestampS = templates[0]?.timestampS ?? 0
  let parentHash = templates[0]?.parentHash ?? word(0)
  templateOf.set(parentHash, templates[0]?.parentHash ?? word(0))
  let count = 0

  /** What strangers hold, and what they are, nobody recorded. */
  const ask = <T>(block: Hex, question: string, other: T): Promise<T> => {
    const answers = recording.mixed.record.get(templateOf.get(block) ?? block)
    const known = answers?.get(question)
    return Promise.resolve(known === undefined ? other : (known as T))
  }
  const source: ChainSource = {
    chainId: recording.chain.id,
    name: recording.chain.name,
    reader: {
      call: (request) =>
        ask(request.block, questionOf.call(request), { ok: true, data: word(10n ** 9n) } as const),
      storage: (address, slot, block) => ask(block, questionOf.storage(address, slot), word(0)),
      code: (address, block) => ask<Hex>(block, questionOf.code(address), '0x'),
      balance: (address, block) => ask(block, questionOf.balance(address), 10n ** 18n),
    },
    inputs: () => Promise.reject(new Error('all calldata are in the blocks')),
    traces: () => Promise.resolve([]),
  }

  const pick = (): ChainBlock => {
    const period = 2 * templates.length - 2
    const at = count % period
    const template = templates[at < templates.length ? at : period - at]
    if (!template) throw new Error('there are no blocks to repeat')
    return template
  }
  const rename = (tx: ChainTransaction, names: ReadonlyMap<Hex, Hex>): ChainTransaction => {
    const hash = word((BigInt(count) << 16n) + BigInt(tx.index) + 1n)
    const logs = tx.logs.map(
      (log): ChainLog => ({
        ...log,
        txHash: hash,
        topics: log.topics.map((topic) => names.get(topic) ?? topic),
      }),
    )
    return { ...tx, hash, from: names.get(tx.from) ?? tx.from, logs }
  }
  return {
    source,
    next: () => {
      const template = pick()
      const names = new Map<Hex, Hex>()
      for (const one of people) {
        const other = userAt(random.int(0, users - 1))
        names.set(one, other)
        names.set(padded(one), padded(other))
      }
      const hash = word((1n << 128n) + BigInt(count + 1))
      const block: ChainBlock = {
        ...template,
        number,
        hash,
        parentHash,
        timestampS,
        transactions: template.transactions.map((tx) => rename(tx, names)),
      }
      templateOf.set(hash, template.hash)
      if (templateOf.size > KEPT)
        for (const oldest of templateOf.keys()) {
          templateOf.delete(oldest)
          break
        }
      number++
      count++
      timestampS += BLOCK_TIME_S
      parentHash = hash
      return block
    },
  }
}
