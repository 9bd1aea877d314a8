import type { Address, Hex, ProbeContext, ProbeResult } from 'tocsin'
import { encodeFunctionData, isAddress, parseAbi } from 'viem/utils'
import { z } from 'zod'

/** A boolean `true` as a call returns it. */
export const TRUE: Hex = `0x${'1'.padStart(64, '0')}`
/** A boolean `false` as a call returns it. */
export const FALSE: Hex = `0x${'0'.padStart(64, '0')}`

/** An address among the parameters of a policy; lower case once read. */
export const addressParameter = z
  .string()
  .refine((text) => isAddress(text), 'an address with a right checksum')
  .transform((text) => text.toLowerCase() as Address)

/** The address that a call returned, or undefined when it returned something else. */
export const readAddress = (answer: {
  readonly ok: boolean
  readonly data: Hex
}): Address | undefined =>
  answer.ok && /^0x0{24}[0-9a-f]{40}$/i.test(answer.data)
    ? `0x${answer.data.slice(26).toLowerCase()}`
    : undefined

/** The number that a call returned as its only word, or undefined when it returned something else. */
export const readNumber = (data: Hex | undefined): bigint | undefined =>
  data !== undefined && /^0x[0-9a-f]{64}$/i.test(data) ? BigInt(data) : undefined

export const probed = (name: string, ok: boolean, good: string, bad: string): ProbeResult => ({
  name,
  ok,
  message: ok ? good : bad,
})

const guardianAbi = parseAbi([
  'function pauseGuardian() view returns (address)',
  'function admin() view returns (address)',
  'function governor() view returns (address)',
])

/** Whether the signer is the pause guardian of a Compound market, and not also who rules it. */
export const probePauseGuardian = async (
  { policy, signer, call }: ProbeContext,
  ruler: 'admin' | 'governor',
): Promise<ProbeResult> => {
  const read = async (functionName: 'pauseGuardian' | 'admin' | 'governor') =>
    readAddress(await call(policy.target, encodeFunctionData({ abi: guardianAbi, functionName })))
  const [guardian, ruling] = await Promise.all([read('pauseGuardian'), read(ruler)])
  const own = signer.toLowerCase()
  const isRuler = ruling === own
  return probed(
    'role',
    guardian === own && !isRuler,
    'The signer is the pause guardian.',
    isRuler
      ? `The signer ${signer} is ${ruler} of ${policy.target}; it must be the pause guardian and nothing else.`
      : `The signer ${signer} is not the pause guardian of ${policy.target}.`,
  )
}
