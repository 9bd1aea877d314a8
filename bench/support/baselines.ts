import { createRequire } from 'node:module'
import { type Abi, decodeEventLog, parseAbi } from 'viem'
import type { ChainBlock, ChainLog } from '../../core/chain/types.ts'
import type { ThingInput } from '../../core/testing/index.ts'

export type Baseline = { readonly name: string; readonly seconds: number }

const TRANSFER = 'event Transfer(address indexed from, address indexed to, uint256 value)'

const timed = (name: string, work: () => number): Baseline => {
  work()
  const began = process.cpuUsage()
  if (work() === 0) throw new Error(`${name} decoded nothing`)
  const { user, system } = process.cpuUsage(began)
  return { name, seconds: (user + system) / 1e6 }
}

type Decode = (abi: Abi, log: ChainLog) => boolean

const decode: Decode = (abi, log) => {
  try {
    const topics = log.topics as [] | [ChainLog['topics'][number]]
    return decodeEventLog({ abi, data: log.data, topics }).eventName !== undefined
  } catch {
    return false
  }
}

type FilterLog = (
  logs: readonly ChainLog[],
  eventAbi: string,
  address?: readonly string[],
) => readonly unknown[]

/** Other ways to look at the same logs, which only decode: nothing is read, kept or judged. */
export const readBaselines = async (
  blocks: readonly ChainBlock[],
  things: readonly ThingInput[],
): Promise<readonly Baseline[]> => {
  const transactions = blocks.flatMap((block) => block.transactions)
  const abis = new Map(things.flatMap(({ address, abi }) => (abi ? [[address, abi] as const] : [])))
  const transferAbi = parseAbi([TRANSFER])
  const { filterLog } = createRequire(import.meta.url)('forta-agent') as { filterLog: FilterLog }
  return [
    timed("viem's decodeEventLog, every Transfer", () => {
      let found = 0
      for (const tx of transactions)
        for (const log of tx.logs) if (decode(transferAbi, log)) found++
      return found
    }),
    timed("viem's decodeEventLog, watched contracts by their ABI", () => {
      let found = 0
      for (const tx of transactions)
        for (const log of tx.logs) {
          const abi = abis.get(log.address)
          if (abi && decode(abi, log)) found++
        }
      return found
    }),
    timed("forta-agent's filterLog, every Transfer", () => {
      let found = 0
      for (const tx of transactions) found += filterLog(tx.logs, TRANSFER).length
      return found
    }),
    timed("forta-agent's filterLog, Transfers of watched contracts", () => {
      let found = 0
      for (const tx of transactions) found += filterLog(tx.logs, TRANSFER, [...abis.keys()]).length
      return found
    }),
  ]
}
