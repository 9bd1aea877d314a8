import type { Hex } from '../../base/index.ts'
import type { CallOutcome, SimulatedCall, StorageChange } from './types.ts'

const MAX_TEXT = 300
/** More than any attacker's call can spend; a foreign sender's purse is not what is examined. */
export const AMPLE_BALANCE = `0x${(10n ** 27n).toString(16)}`

export const bounded = (text: string): string => text.slice(0, MAX_TEXT)

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const asData = (value: unknown): Hex =>
  typeof value === 'string' && /^0x[0-9a-fA-F]*$/.test(value) ? (value as Hex) : '0x'

export const asNumber = (value: unknown): number | undefined => {
  const number = typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN
  return Number.isSafeInteger(number) && number >= 0 ? number : undefined
}

/** A call as JSON-RPC takes it. */
export const encodeCall = (call: SimulatedCall): Record<string, string> => ({
  from: call.from,
  ...(call.to === undefined ? {} : { to: call.to }),
  data: call.data,
  ...(call.gas === undefined ? {} : { gas: `0x${call.gas.toString(16)}` }),
  ...(call.value === undefined || call.value === 0n
    ? {}
    : { value: `0x${call.value.toString(16)}` }),
})

/** Overrides that let the sender pay the value of the call. */
export const purseOf = ({ from, value }: SimulatedCall): Record<string, { balance: string }> =>
  value === undefined || value === 0n ? {} : { [from]: { balance: AMPLE_BALANCE } }

/** Revert data lies in the return data with some nodes, and in the error with others. */
export const readOutcome = (
  isSuccess: boolean,
  returnData: unknown,
  error: unknown,
): CallOutcome => {
  const own = asData(returnData)
  const other = isRecord(error) ? asData(error['data']) : '0x'
  return { success: isSuccess, data: own === '0x' ? other : own }
}

type Account = {
  readonly storage: ReadonlyMap<string, Hex>
  readonly fields: Readonly<Record<string, unknown>>
}

export type PrestateDiff = {
  readonly pre: ReadonlyMap<string, Account>
  readonly post: ReadonlyMap<string, Account>
}

const slotOf = (text: string): string =>
  `0x${text.replace(/^0x/, '').toLowerCase().padStart(64, '0')}`

const readAccounts = (value: unknown): ReadonlyMap<string, Account> => {
  const accounts = new Map<string, Account>()
  if (!isRecord(value)) return accounts
  for (const [address, fields] of Object.entries(value)) {
    if (!/^0x[0-9a-fA-F]{40}$/.test(address) || !isRecord(fields)) continue
    const slots = isRecord(fields['storage']) ? Object.entries(fields['storage']) : []
    const storage = new Map(
      slots.map(([slot, word]) => [slotOf(slot), slotOf(asData(word)) as Hex]),
    )
    accounts.set(address.toLowerCase(), { storage, fields })
  }
  return accounts
}

/** The answer of `prestateTracer` in diff mode, or undefined when it is none. */
export const readPrestateDiff = (value: unknown): PrestateDiff | undefined =>
  isRecord(value) && isRecord(value['pre']) && isRecord(value['post'])
    ? { pre: readAccounts(value['pre']), post: readAccounts(value['post']) }
    : undefined

const slotsOf = ({ pre, post }: PrestateDiff, address: string): readonly string[] => [
  ...new Set([
    ...(pre.get(address)?.storage.keys() ?? []),
    ...(post.get(address)?.storage.keys() ?? []),
  ]),
]

const ZERO = `0x${'0'.repeat(64)}`

/** Storage and code that differ after the call; a slot that was cleared stands before it alone. */
export const changesOf = (diff: PrestateDiff): readonly StorageChange[] =>
  [...new Set([...diff.pre.keys(), ...diff.post.keys()])].flatMap((address): StorageChange[] => {
    const before = diff.pre.get(address)
    const after = diff.post.get(address)
    const slots = slotsOf(diff, address).filter(
      (slot) => (before?.storage.get(slot) ?? ZERO) !== (after?.storage.get(slot) ?? ZERO),
    )
    const code = after?.fields['code']
    const isCodeChanged = code !== undefined && code !== before?.fields['code']
    if (slots.length === 0 && !isCodeChanged) return []
    return [{ address: address as Hex, slots: slots as Hex[], isCodeChanged }]
  })

/** State overrides by which a later call sees what the diff changed. */
export const overridesOf = (diff: PrestateDiff): Record<string, Record<string, unknown>> =>
  Object.fromEntries(
    [...diff.post].map(([address, { storage, fields }]) => {
      const stateDiff = Object.fromEntries(
        slotsOf(diff, address).map((slot) => [slot, storage.get(slot) ?? ZERO]),
      )
      return [
        address,
        {
          ...(Object.keys(stateDiff).length > 0 ? { stateDiff } : {}),
          ...(typeof fields['code'] === 'string' ? { code: fields['code'] } : {}),
          ...(typeof fields['balance'] === 'string' ? { balance: fields['balance'] } : {}),
        },
      ]
    }),
  )
