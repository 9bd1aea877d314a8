type Log = {
  readonly address: string
  readonly blockNumber: string
  readonly topics: readonly string[]
}
type Recorded = Log & { readonly text: string }

/** What `eth_getLogs` asks for; anything but a range of block numbers is not served here. */
export type LogFilter = {
  readonly address?: string | readonly string[]
  readonly topics?: readonly (string | readonly string[] | null)[]
  readonly fromBlock?: string
  readonly toBlock?: string
}

const allows = (wanted: string | readonly string[] | null | undefined, value: string): boolean =>
  wanted === null ||
  wanted === undefined ||
  (typeof wanted === 'string' ? wanted.toLowerCase() === value : wanted.includes(value))

const lower = (value: string | readonly string[] | undefined): string | string[] | undefined =>
  typeof value === 'string' ? value.toLowerCase() : value?.map((item) => item.toLowerCase())

/**
 * Answers `eth_getLogs` from all logs of a chain, whatever the range: a program that sizes its ranges by the clock asks
 * differently every time, and would else be the only one to wait for the real node.
 */
export const recordLogs = (logs: readonly Log[]): ((filter: LogFilter) => string) => {
  const byBlock = new Map<number, Recorded[]>()
  for (const log of logs) {
    const number = Number(log.blockNumber)
    const entry = { ...log, address: log.address.toLowerCase(), text: JSON.stringify(log) }
    byBlock.set(number, [...(byBlock.get(number) ?? []), entry])
  }
  return ({ address, topics = [], fromBlock, toBlock }) => {
    const wanted = lower(address)
    const found: string[] = []
    for (let number = Number(fromBlock); number <= Number(toBlock); number++)
      for (const log of byBlock.get(number) ?? [])
        if (
          allows(wanted, log.address) &&
          topics.every((topic, at) =>
            at < log.topics.length ? allows(topic, log.topics[at] ?? '') : topic === null,
          )
        )
          found.push(log.text)
    return `[${found.join(',')}]`
  }
}
