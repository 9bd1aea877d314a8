import type { PublicClient } from 'viem'
import type { Hex } from '../../base/index.ts'
import type { WatchedThing } from '../types.ts'
import { findImplementation } from './findImplementation.ts'
import { fitAbi, missingFunctions } from './fitAbi.ts'
import { reasonOf } from './probeClient.ts'
import { probeKind } from './probeKind.ts'

export type ThingFault = {
  readonly severity: 'fault' | 'warning'
  /** The chain gave no answer: nobody knows whether it is wrong. */
  readonly unsure?: true
  /** Key of the thing that is wrong: `address`, `abi`, … */
  readonly key: string
  readonly problem: string
  readonly mend: string
}

const listed = (names: readonly string[]): string =>
  `${names.slice(0, 4).join(', ')}${names.length > 4 ? `, and ${names.length - 4} more` : ''}`

const abiFaults = (thing: WatchedThing, codes: readonly Hex[]): readonly ThingFault[] => {
  if (!thing.abi) return []
  const { total, missing } = fitAbi(thing.abi, codes)
  if (missing.length === 0) return []
  const isNone = missing.length === total
  const share = Math.round((missing.length * 100) / total)
  return [
    {
      severity: isNone ? 'fault' : 'warning',
      key: 'abi',
      problem: isNone
        ? 'the ABI does not fit: nothing of it is in the code at this address'
        : `${share} % of the ABI (${missing.length} of ${total}) is not in the code: ${listed(missing)}`,
      mend: isNone
        ? 'Give the ABI of this contract, or correct the address.'
        : 'Is it the ABI of another version?',
    },
  ]
}

const implementationFaults = async (
  client: PublicClient,
  thing: WatchedThing,
  code: Hex,
): Promise<{ readonly codes: readonly Hex[]; readonly faults: readonly ThingFault[] }> => {
  const isDeclared = thing.kind === 'proxy' || thing.proxy
  const behind = await findImplementation(client, thing.address, code)
  if (!behind) {
    const problem = 'it is declared a proxy, but no implementation is behind it'
    const mend = 'Remove `proxy`, or correct the address.'
    return {
      codes: [code],
      faults: isDeclared ? [{ severity: 'fault', key: 'address', problem, mend }] : [],
    }
  }
  const implementation = await client.getCode({ address: behind.address })
  if (!implementation || implementation === '0x')
    return {
      codes: [code],
      faults: [
        {
          severity: 'fault',
          key: 'address',
          problem: `its implementation ${behind.address} has no code`,
          mend: 'Check the address.',
        },
      ],
    }
  const isSilentProxy = !isDeclared && (behind.how === 'slot' || behind.how === 'beacon')
  const warning: ThingFault = {
    severity: 'warning',
    key: 'address',
    problem: `it is a proxy, now of ${behind.address}`,
    mend: 'Add `proxy: true`, so that its upgrades are followed.',
  }
  return { codes: [code, implementation], faults: isSilentProxy ? [warning] : [] }
}

/** What is wrong with one thing on its chain. Never throws. */
export const probeThing = async (
  client: PublicClient,
  thing: WatchedThing,
  head: number,
): Promise<readonly ThingFault[]> => {
  const fault = (key: string, problem: string, mend: string): ThingFault => ({
    severity: 'fault',
    key,
    problem,
    mend,
  })
  try {
    const faults: ThingFault[] = []
    if (thing.deployBlock !== undefined && thing.deployBlock > head)
      faults.push(
        fault(
          'deployBlock',
          `block ${thing.deployBlock} is ahead of the chain (now ${head})`,
          'Give the block that created it.',
        ),
      )
    if (thing.kind === 'label' || thing.kind === 'treasury') return faults
    const code = await client.getCode({ address: thing.address })
    if (!code || code === '0x')
      return [
        ...faults,
        fault(
          'address',
          `there is no code at ${thing.address} on ${thing.chain}`,
          'Check the address and the chain; a plain account is a `treasury` or a `label`.',
        ),
      ]
    const behind = await implementationFaults(client, thing, code)
    faults.push(...behind.faults, ...abiFaults(thing, behind.codes))
    const unknown =
      'adminFunctions' in thing ? missingFunctions(thing.adminFunctions, behind.codes) : []
    if (unknown.length > 0)
      faults.push({
        severity: 'warning',
        key: 'adminFunctions',
        problem: `not in the code, so never seen: ${listed(unknown)}`,
        mend: 'Check names and argument types.',
      })
    faults.push(
      ...(await probeKind(client, thing)).map((one): ThingFault => ({ severity: 'fault', ...one })),
    )
    return faults
  } catch (error) {
    return [
      {
        ...fault(
          'address',
          `it could not be checked (${reasonOf(error)})`,
          'Try again, or name a better endpoint.',
        ),
        unsure: true,
      },
    ]
  }
}
