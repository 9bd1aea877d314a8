/** Just enough of ethers' v5 fragments, as the bot's own SDK brings them. */
export type Input = {
  readonly name: string | null
  readonly type: string
  readonly indexed: boolean
}
export type EventFragment = {
  readonly name: string
  readonly anonymous: boolean
  readonly inputs: readonly Input[]
  readonly format: () => string
}
export type Numbers = {
  readonly from: (hex: string) => {
    readonly toNumber: () => number
    readonly fromTwos: (bits: number) => { readonly toNumber: () => number }
  }
}
type Log = { readonly data: string; readonly topics: readonly string[] }
type ReadWord = (word: string) => unknown

/** What a plain reading does not settle: ethers reads it then. */
const UNSETTLED = Symbol('unsettled')
const WORD = 64
/** ethers gives integers up to this size as numbers. */
const SMALL_BITS = 48

/** Without leading zeros, of an even length, as ethers writes numbers. */
const trim = (word: string): string => {
  let at = 0
  while (at < word.length - 2 && word[at] === '0' && word[at + 1] === '0') at += 2
  return `0x${word.slice(at)}`
}

const readerOf = (
  type: string,
  ethers: { readonly numbers: Numbers; readonly checksum: (address: string) => string },
): ReadWord | undefined => {
  if (type === 'address')
    return (word) =>
      word.startsWith('000000000000000000000000')
        ? ethers.checksum(`0x${word.slice(24)}`)
        : UNSETTLED
  if (type === 'bool') return (word) => /[^0]/.test(word)
  const [, sign, kind, digits] = /^(?:(u?)(int)|bytes)(\d+)$/.exec(type) ?? []
  const size = Number(digits)
  if (digits === undefined) return undefined
  if (kind === undefined) return (word) => `0x${word.slice(0, size * 2)}`
  const isSigned = sign === ''
  const digitsUsed = size / 4
  // Of a short integer the rest of the word is cut off; where there is any, ethers shall do it.
  if (isSigned && size !== 256) return undefined
  const rest = '0'.repeat(WORD - digitsUsed)
  return (word) => {
    if (!word.startsWith(rest)) return UNSETTLED
    const value = ethers.numbers.from(trim(word))
    if (isSigned) return value.fromTwos(size)
    return size <= SMALL_BITS ? value.toNumber() : value
  }
}

/**
 * Reads the arguments of one event whose types all have one word, as ethers would give them: a frozen list with names.
 * Undefined: the event has other types. The reader answers undefined where ethers has to say what is wrong with a log.
 */
export const createEventDecoder = (
  fragment: EventFragment,
  ethers: { readonly numbers: Numbers; readonly checksum: (address: string) => string },
): ((log: Log) => readonly unknown[] | undefined) | undefined => {
  const readers = fragment.inputs.map(({ type }) => readerOf(type, ethers))
  if (fragment.anonymous || readers.some((read) => read === undefined)) return undefined
  const indexed = fragment.inputs.filter((input) => input.indexed).length
  const dataLength = 2 + (fragment.inputs.length - indexed) * WORD
  return ({ data, topics }) => {
    if (typeof data !== 'string' || topics.length !== indexed + 1) return undefined
    if (data.length < dataLength || data.length % 2 === 1 || !/^0x[0-9a-fA-F]*$/.test(data))
      return undefined
    const words = data.toLowerCase()
    const result = [] as unknown as unknown[] & Record<string, unknown>
    let at = 2
    let topicAt = 1
    for (const [index, { name, indexed: isTopic }] of fragment.inputs.entries()) {
      let word: string
      if (isTopic) {
        const topic = topics[topicAt++] ?? ''
        if (!/^0x[0-9a-fA-F]{64}$/.test(topic)) return undefined
        word = topic.slice(2).toLowerCase()
      } else {
        word = words.slice(at, at + WORD)
        at += WORD
      }
      const value = readers[index]?.(word)
      if (value === UNSETTLED) return undefined
      result[index] = value
      if (name && result[name] == null) result[name] = value
    }
    return Object.freeze(result)
  }
}
