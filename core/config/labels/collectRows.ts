import { getAddress } from 'viem/utils'
import { type Address, cleanText } from '../../base/index.ts'
import { type Fault, shown } from '../fault.ts'
import type { Place } from '../types.ts'
import type { ChainAnswer } from './labelChains.ts'
import { MAX_TAG, MAX_TAGS, tagOfName } from './labelTags.ts'
import type { LabelRow } from './types.ts'

/** Most labels that one file, and all of them together, may hold. */
export const MAX_LABELS = 250_000
const MAX_NAME = 100
const MAX_FAULTS = 50

/** What one record says, before it is judged. */
export type RawLabel = {
  readonly address: { readonly text: string; readonly at: Place }
  readonly name: { readonly text: string; readonly at: Place }
  readonly tags: { readonly list: readonly string[]; readonly at: Place }
  readonly chain: { readonly answer: ChainAnswer; readonly at: Place }
  readonly origin: string
}

export type Collected = {
  readonly rows: readonly LabelRow[]
  /** At most 50; `faulty` counts them all. */
  readonly faults: readonly Fault[]
  readonly faulty: number
  /** Rows that spoke of an address of an earlier row: their tags were added to it. */
  readonly merged: number
}

/** A copy that does not keep the whole file in memory, as a slice of its text would. */
const flat = (text: string): string => Buffer.from(text).toString()

type Draft = { -readonly [K in keyof LabelRow]: LabelRow[K] }

/** The address of a text, or what is wrong with it. All lower and all upper case carry no checksum. */
const readAddress = (text: string): Address | readonly [string, string] => {
  const hex = text.replace(/^0X/, '0x')
  if (!/^0x[0-9a-fA-F]{40}$/.test(hex))
    return [
      text === '' ? 'the address is missing' : `"${shown(text, 60)}" is not an address`,
      'Give 0x and 40 hexadecimal digits.',
    ]
  const lower = hex.toLowerCase() as Address
  const digits = hex.slice(2)
  if (digits === lower.slice(2) || digits === digits.toUpperCase()) return lower
  const right = getAddress(lower)
  return right === hex
    ? lower
    : [
        'the capitals of this address do not fit its digits (EIP-55 checksum)',
        `A digit may be wrong: compare with the source; if all are right, write ${right}.`,
      ]
}

/** Judges records one by one and keeps the good ones: one per chain and address, with the tags of all that name it. */
export const createCollector = (): {
  readonly fault: (at: Place, problem: string, mend: string) => void
  readonly add: (raw: RawLabel) => void
  readonly result: () => Collected
} => {
  const byKey = new Map<string, Draft>()
  const faults: Fault[] = []
  // Lists of tags repeat: one copy of each is enough.
  const tagLists = new Map<string, readonly string[]>()
  const shared = (tags: readonly string[]): readonly string[] => {
    const key = tags.join(' ')
    const known = tagLists.get(key)
    if (known) return known
    tagLists.set(key, tags)
    return tags
  }
  let faulty = 0
  let merged = 0
  const fault = (at: Place, problem: string, mend: string): void => {
    faulty++
    if (faults.length < MAX_FAULTS) faults.push({ ...at, path: '', problem, mend })
  }
  const add = (raw: RawLabel): void => {
    const before = faulty
    const address = readAddress(raw.address.text)
    if (typeof address !== 'string') fault(raw.address.at, ...address)
    const { answer } = raw.chain
    if (!answer.ok) fault(raw.chain.at, answer.problem, answer.mend)
    const long = raw.tags.list.find((tag) => tag.length > MAX_TAG)
    if (long !== undefined)
      fault(
        raw.tags.at,
        `the tag "${shown(long, 50)}" is too long`,
        `Give words of at most ${MAX_TAG} characters, with ";" between them.`,
      )
    const name = cleanText(raw.name.text, MAX_NAME) || raw.tags.list[0] || ''
    if (name === '') fault(raw.name.at, 'the name is missing', 'Say what this address is.')
    const tags = [...new Set([...raw.tags.list, ...tagOfName(name)])]
    if (tags.length > MAX_TAGS)
      fault(raw.tags.at, `${tags.length} tags are too many`, `Give at most ${MAX_TAGS}.`)
    if (faulty > before || typeof address !== 'string' || !answer.ok) return
    const key = `${answer.chainId ?? ''}${address}`
    const known = byKey.get(key)
    if (known) {
      merged++
      known.tags = shared([...new Set([...known.tags, ...tags])].slice(0, MAX_TAGS))
      return
    }
    if (byKey.size === MAX_LABELS) {
      fault(
        raw.address.at,
        `this is more than ${MAX_LABELS} labels`,
        'Keep those that matter: exchanges, bridges, mixers, your own.',
      )
      return
    }
    byKey.set(key, {
      address: flat(address) as Address,
      name: flat(name),
      tags: shared(tags.map(flat)),
      chainId: answer.chainId,
      origin: raw.origin === '' ? undefined : flat(cleanText(raw.origin, 60)) || undefined,
    })
  }
  return {
    fault,
    add,
    result: () => ({ rows: [...byKey.values()], faults, faulty, merged }),
  }
}
