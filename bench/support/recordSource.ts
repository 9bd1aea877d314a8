import type { Hex } from '../../core/base/index.ts'
import type { ChainSource } from '../../core/chain/types.ts'

/** Answers by block and question. */
export type Answers = Map<Hex, Map<string, unknown>>

type CallRequest = Parameters<ChainSource['reader']['call']>[0]

/** Under which key an answer of a block stands in the record. */
export const questionOf = {
  call: ({ to, data, from }: Omit<CallRequest, 'block'>): string => to + data + (from ?? ''),
  storage: (address: Hex, slot: Hex): string => `s${address}${slot}`,
  code: (address: Hex): string => `c${address}`,
  balance: (address: Hex): string => `b${address}`,
}

/**
 * A source that remembers every answer of another one, by block, so that the same blocks can be run without a node.
 * @param upstream left out: whatever is not in the record is an error
 */
export const recordSource = (
  chain: { readonly id: number; readonly name: string },
  record: Answers,
  upstream?: ChainSource,
): ChainSource => {
  const remember = async <T>(
    block: Hex,
    key: string,
    ask: (source: ChainSource) => Promise<T>,
  ): Promise<T> => {
    let answers = record.get(block)
    if (!answers) {
      answers = new Map()
      record.set(block, answers)
    }
    const known = answers.get(key)
    if (known !== undefined) return known as T
    if (!upstream) throw new Error(`not in the record: ${key.slice(0, 120)} at ${block}`)
    const fresh = await ask(upstream)
    answers.set(key, fresh)
    return fresh
  }
  return {
    chainId: chain.id,
    name: chain.name,
    reader: {
      call: (request) =>
        remember(request.block, questionOf.call(request), ({ reader }) => reader.call(request)),
      storage: (address, slot, block) =>
        remember(block, questionOf.storage(address, slot), ({ reader }) =>
          reader.storage(address, slot, block),
        ),
      code: (address, block) =>
        remember(block, questionOf.code(address), ({ reader }) => reader.code(address, block)),
      balance: (address, block) =>
        remember(block, questionOf.balance(address), ({ reader }) =>
          reader.balance(address, block),
        ),
    },
    inputs: () => Promise.reject(new Error('all calldata are in the blocks')),
    traces: (block, hashes) =>
      remember(block.hash, `t${hashes?.join() ?? ''}`, async (source) => {
        const all = await source.traces(block)
        const wanted = hashes && new Set(hashes)
        return all.filter(({ txHash }) => !wanted || wanted.has(txHash))
      }),
    storageHash: async (address, block) => {
      const { root } = await remember(block, `r${address}`, async (source) => ({
        root: await source.storageHash?.(address, block),
      }))
      return root
    },
  }
}
