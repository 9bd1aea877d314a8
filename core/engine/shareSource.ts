import type { Hex } from '../base/index.ts'
import type { ChainSource } from '../chain/types.ts'

type Asked = Map<string, Promise<unknown>>

/**
 * A source of which each question about a block is asked once, however many engines ask it: answers belong to a
 * block's hash and never change.
 * @param options.blocks of how many blocks the answers are kept, those asked about first are dropped first. Default: 512.
 */
export const shareSource = (
  source: ChainSource,
  options: { readonly blocks?: number | (() => number) } = {},
): ChainSource => {
  const { blocks = 512 } = options
  const limit = typeof blocks === 'number' ? () => blocks : blocks
  const byBlock = new Map<Hex, Asked>()
  const askedAt = (block: Hex): Asked => {
    const known = byBlock.get(block)
    if (known) return known
    const made: Asked = new Map()
    byBlock.set(block, made)
    for (const oldest of byBlock.keys()) {
      if (byBlock.size <= limit()) break
      byBlock.delete(oldest)
    }
    return made
  }
  const once = <T>(block: Hex, question: string, ask: () => Promise<T>): Promise<T> => {
    const asked = askedAt(block)
    const known = asked.get(question)
    if (known) return known as Promise<T>
    const answer = ask()
    asked.set(question, answer)
    // What failed may be asked for again.
    answer.catch(() => asked.delete(question))
    return answer
  }
  const { reader, storageHash } = source
  const hashes = (all: readonly Hex[] | undefined): string => all?.join() ?? 'all'
  return {
    ...source,
    reader: {
      ...reader,
      call: (request) =>
        once(request.block, `call ${request.from ?? ''} ${request.to} ${request.data}`, () =>
          reader.call(request),
        ),
      storage: (address, slot, block) =>
        once(block, `storage ${address} ${slot}`, () => reader.storage(address, slot, block)),
      code: (address, block) => once(block, `code ${address}`, () => reader.code(address, block)),
      balance: (address, block) =>
        once(block, `balance ${address}`, () => reader.balance(address, block)),
    },
    inputs: (block, wanted) =>
      once(block.hash, `inputs ${hashes(wanted)}`, () => source.inputs(block, wanted)),
    traces: (block, wanted) =>
      once(block.hash, `traces ${hashes(wanted)}`, () => source.traces(block, wanted)),
    ...(storageHash
      ? {
          storageHash: (address, block) =>
            once(block, `root ${address}`, () => storageHash(address, block)),
        }
      : {}),
  }
}
