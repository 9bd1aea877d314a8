import { type Hex, messageOf } from '../base/index.ts'
import type { StateReader } from '../chain/types.ts'
import type { CompiledNeeds, CompiledRead } from './checkNeeds.ts'
import type { ReadResult } from './types.ts'

/** Answers of the declared reads: per bot (by index) by key. */
export type ReadAnswers = readonly ReadonlyMap<string, ReadResult>[]

type RawAnswer =
  | { readonly kind: 'call'; readonly ok: boolean; readonly data: Hex }
  | { readonly kind: 'value'; readonly value: Hex | bigint }

/** What a call answered: a revert, and an answer that does not decode, are results too. */
export const decodeAnswer = (
  answer: { readonly ok: boolean; readonly data: Hex },
  decode: (data: Hex) => unknown,
): ReadResult => {
  if (!answer.ok)
    return {
      ok: false,
      reason: `the call reverted${answer.data === '0x' ? '' : ` with ${answer.data.slice(0, 138)}`}`,
    }
  try {
    return { ok: true, value: decode(answer.data) }
  } catch (error) {
    const reason =
      answer.data === '0x'
        ? 'nothing answered'
        : `the answer does not decode: ${messageOf(error).slice(0, 200)}`
    return { ok: false, reason }
  }
}

const ask = async (reader: StateReader, read: CompiledRead, block: Hex): Promise<RawAnswer> => {
  switch (read.kind) {
    case 'call':
      return { kind: 'call', ...(await reader.call({ to: read.address, data: read.data, block })) }
    case 'storage':
      return { kind: 'value', value: await reader.storage(read.address, read.slot, block) }
    case 'balance':
      return { kind: 'value', value: await reader.balance(read.address, block) }
  }
}

const resultOf = (read: CompiledRead, answer: RawAnswer | undefined): ReadResult => {
  if (answer?.kind === 'call' && read.kind === 'call') return decodeAnswer(answer, read.decode)
  if (answer?.kind === 'value') return { ok: true, value: answer.value }
  return { ok: false, reason: 'nothing answered' }
}

/**
 * Makes the declared reads of all bots at one block's hash, in one tick; a question that several share is asked once.
 * Throws when any answer cannot be had.
 */
export const makeDeclaredReads = async (
  reader: StateReader,
  bots: readonly CompiledNeeds[],
  block: Hex,
): Promise<ReadAnswers> => {
  const asked = new Map<string, Promise<RawAnswer>>()
  for (const { reads } of bots)
    for (const read of reads) if (!asked.has(read.id)) asked.set(read.id, ask(reader, read, block))
  const answers = new Map(
    await Promise.all([...asked].map(async ([id, answer]) => [id, await answer] as const)),
  )
  return bots.map(
    ({ reads }) => new Map(reads.map((read) => [read.key, resultOf(read, answers.get(read.id))])),
  )
}
