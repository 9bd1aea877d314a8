import { readFileSync, statSync } from 'node:fs'
import type { Abi } from 'viem'
import { toEventSelector, toFunctionSelector } from 'viem/utils'
import { z } from 'zod'
import { messageOf } from '../base/index.ts'
import { shown } from './fault.ts'

const parameterSchema: z.ZodType<unknown> = z.looseObject({
  type: z.string().min(1),
  name: z.string().optional(),
  components: z.lazy(() => z.array(parameterSchema)).optional(),
})
const parameters = z.array(parameterSchema)
const mutability = z.enum(['pure', 'view', 'nonpayable', 'payable'])
const itemSchema = z.discriminatedUnion('type', [
  z.looseObject({
    type: z.literal('function'),
    name: z.string().min(1),
    inputs: parameters,
    outputs: parameters.default([]),
    stateMutability: mutability.default('nonpayable'),
  }),
  z.looseObject({ type: z.literal('event'), name: z.string().min(1), inputs: parameters }),
  z.looseObject({ type: z.literal('error'), name: z.string().min(1), inputs: parameters }),
  z.looseObject({ type: z.literal('constructor'), inputs: parameters.default([]) }),
  z.looseObject({ type: z.literal('fallback') }),
  z.looseObject({ type: z.literal('receive') }),
])
const abiSchema = z.array(itemSchema).min(1).max(10_000)
const fileSchema = z.union([
  abiSchema,
  z.looseObject({ abi: abiSchema }).transform(({ abi }) => abi),
])

export type AbiAnswer =
  | { readonly ok: true; readonly abi: Abi }
  | { readonly ok: false; readonly problem: string; readonly mend: string }

/** Reads an ABI from a JSON file: the array itself, or a compiler's artifact with `abi`. */
export const loadAbi = (path: string): AbiAnswer => {
  const no = (problem: string, mend: string): AbiAnswer => ({ ok: false, problem, mend })
  let text: string
  try {
    if (statSync(path).size > 20_000_000)
      return no('the ABI file is larger than 20 MB', 'Extract its `abi`.')
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const isMissing = messageOf(error).startsWith('ENOENT')
    return no(
      isMissing
        ? 'there is no such ABI file'
        : `the ABI file cannot be read (${shown(messageOf(error))})`,
      'The path is taken from the folder of the watchlist.',
    )
  }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return no('the ABI file is not JSON', 'Give the JSON that the compiler wrote.')
  }
  const parsed = fileSchema.safeParse(json)
  if (!parsed.success)
    return no(
      'the file is JSON but not an ABI',
      'Give an array of ABI items, or an artifact with `abi`.',
    )
  const abi = parsed.data as Abi
  for (const item of abi) {
    try {
      if (item.type === 'function') toFunctionSelector(item)
      else if (item.type === 'event') toEventSelector(item)
    } catch {
      return no(
        `the ABI's ${item.type} ${shown('name' in item ? item.name : '')} is malformed`,
        'Check its inputs.',
      )
    }
  }
  return { ok: true, abi }
}
