import type { Address, Hex } from '../base/index.ts'
import type { PendingTransaction } from './parsePending.ts'
import type {
  SimulatedTransaction,
  SimulatePending,
  StateAnswer,
  StateAsk,
} from './simulationTypes.ts'
import type { ChainHeader, StateReader } from './types.ts'

/** The state after transactions that nobody mined, as the block's that they would be in. */
export type PendingState = {
  /** What became of the transactions, in their order. */
  readonly transactions: () => Promise<readonly SimulatedTransaction[]>
  /** Reads at `hash` are made after the transactions; at any other block on the chain as it is. */
  readonly reader: StateReader
  /** What the reads of the first exchange answered: equal lists show that the transactions changed nothing of it. */
  readonly firstAnswers: () => Promise<readonly StateAnswer[]>
}

type Waiting = {
  readonly ask: StateAsk
  readonly resolve: (answer: StateAnswer) => void
  readonly reject: (error: unknown) => void
}

/** All reads of one turn travel together, each time behind the same transactions; the first time with their outcome. */
export const createPendingState = (options: {
  readonly simulate: SimulatePending
  /** Of the chain as it is. */
  readonly reader: StateReader
  readonly head: Pick<ChainHeader, 'number' | 'hash'>
  /** Hash and time of the made-up block. */
  readonly hash: Hex
  readonly timestampS: number
  readonly transactions: readonly PendingTransaction[]
}): PendingState => {
  const { reader, hash, head, timestampS, transactions } = options
  let queue: Waiting[] = []
  let isDue = false

  const settle = async (waiting: readonly Waiting[]) => {
    const asks = waiting.map(({ ask }) => ask)
    try {
      const found = await options.simulate({ head, timestampS, transactions, asks })
      for (const [index, { resolve }] of waiting.entries())
        resolve(found.answers[index] ?? { ok: false, data: '0x' })
      return found
    } catch (error) {
      for (const { reject } of waiting) reject(error)
      throw error
    }
  }
  const flush = () => {
    isDue = false
    const waiting = queue
    queue = []
    return settle(waiting)
  }
  const first = new Promise<Awaited<ReturnType<typeof settle>>>((resolve, reject) => {
    // After the caller has asked what it wants to know.
    setImmediate(() => void flush().then(resolve, reject))
  })
  isDue = true
  first.catch(() => undefined)

  const ask = (question: StateAsk): Promise<StateAnswer> =>
    new Promise((resolve, reject) => {
      queue.push({ ask: question, resolve, reject })
      if (isDue) return
      isDue = true
      setImmediate(() => void flush().catch(() => undefined))
    })
  const word = async (question: StateAsk): Promise<Hex> => {
    const { data } = await ask(question)
    return data === '0x' ? '0x0' : data
  }
  return {
    transactions: async () => (await first).transactions,
    firstAnswers: async () => (await first).answers,
    reader: {
      call: ({ block, ...call }) =>
        block === hash ? ask({ kind: 'call', ...call }) : reader.call({ ...call, block }),
      storage: async (address: Address, slot, block) =>
        block === hash
          ? `0x${(await word({ kind: 'storage', address, slot })).slice(2).padStart(64, '0')}`
          : reader.storage(address, slot, block),
      code: async (address, block) =>
        block === hash ? (await ask({ kind: 'code', address })).data : reader.code(address, block),
      balance: async (address, block) =>
        block === hash
          ? BigInt(await word({ kind: 'balance', address }))
          : reader.balance(address, block),
    },
  }
}
