import type { Address, BotBlock, CallTrace, Hex } from 'tocsin'
import { toEventSelector } from 'viem/utils'
import { safeAbi } from '../../abis/index.ts'
import type { AdminContext, AdminEvent, AdminThing } from './types.ts'
import { unwrapInput } from './unwrapCalls.ts'

const SUCCESS = toEventSelector('ExecutionSuccess(bytes32,uint256)')
const BY_MODULE = toEventSelector('ExecutionFromModuleSuccess(address)')

/** Events by which a Safe tells that it acted. */
export const SAFE_TOPICS: readonly Hex[] = [SUCCESS, BY_MODULE]

/**
 * Whether a Safe may have run foreign code in this block. A transaction of its own that makes plain calls cannot change
 * it without an event: such blocks cost no reads.
 */
export const hasActed = (
  thing: AdminThing,
  block: BotBlock,
  carriers: readonly CallTrace[],
): boolean => {
  const acts = block.logs.filter(
    ({ address, topics }) =>
      address === thing.address && topics[0] !== undefined && SAFE_TOPICS.includes(topics[0]),
  )
  return acts.some(({ topics, txHash }) => {
    if (topics[0] === BY_MODULE) return true
    const seen = carriers.filter((call) => call.txHash === txHash)
    const isWhole = acts.filter((log) => log.txHash === txHash).length === seen.length
    const isPlain = seen.every(({ input }) => {
      const [outer] = unwrapInput('multisig', input)
      return (
        outer !== undefined &&
        (outer.operation === 0 || thing.parameters.delegateTargets.includes(outer.to))
      )
    })
    return !(isWhole && isPlain)
  })
}

/** keccak256 of `guard_manager.guard.address`, `module_manager.module_guard.address`, `fallback_manager.handler.address`. */
const SLOTS = {
  guard: '0x4a204f620c8c5ccdca3fd54d003badd85ba500436a431f0cbda4f558c93c34c8',
  'module guard': '0xb104e0b93118902c651344349b610029d694cfdec91c589c91ebafbcd0289947',
  'fallback handler': '0x6c9a6c4a39284e37ed1cf53d337577d14212a4870fb976a4366c693b939918d5',
} as const
const FIRST_MODULE = '0x0000000000000000000000000000000000000001'
const MAX_MODULES = 50n

const TOLD: Readonly<Record<string, readonly string[]>> = {
  owners: ['AddedOwner', 'RemovedOwner'],
  threshold: ['ChangedThreshold'],
  modules: ['EnabledModule', 'DisabledModule'],
  guard: ['ChangedGuard'],
  'module guard': ['ChangedModuleGuard'],
  'fallback handler': ['ChangedFallbackHandler'],
}

const show = (value: unknown): string =>
  Array.isArray(value) ? value.map(String).sort().join(', ').toLowerCase() : String(value)

/** Who may sign, how many must, which modules may act, and what guards it; undefined where the Safe does not say. */
const readState = async (
  ctx: AdminContext,
  address: Address,
  at: 'block' | 'parent',
): Promise<ReadonlyMap<string, string>> => {
  const call = async (functionName: string, args: readonly unknown[] = []): Promise<unknown> => {
    const answer = await ctx.read.call({ address, abi: safeAbi, functionName, args, at })
    return answer.ok ? answer.value : undefined
  }
  const [owners, threshold, page, ...words] = await Promise.all([
    call('getOwners'),
    call('getThreshold'),
    call('getModulesPaginated', [FIRST_MODULE, MAX_MODULES]),
    ...Object.values(SLOTS).map((slot) => ctx.read.storage(address, slot, at)),
  ])
  const modules: unknown = Array.isArray(page) ? page[0] : undefined
  const found: (readonly [string, unknown])[] = [
    ['owners', owners],
    ['threshold', threshold],
    ['modules', modules],
    ...Object.keys(SLOTS).map((name, index) => [name, words[index]] as const),
  ]
  return new Map(
    found.flatMap(([name, value]) => (value === undefined ? [] : [[name, show(value)] as const])),
  )
}

export type SafeChange = { readonly what: string; readonly before: string; readonly after: string }

/** What changed in a Safe without an event that tells of it. */
export const safeChanges = async (
  ctx: AdminContext,
  thing: AdminThing,
  events: readonly AdminEvent[],
): Promise<readonly SafeChange[]> => {
  if (ctx.block.number === 0) return []
  const before = await readState(ctx, thing.address, 'parent')
  if (!before.has('owners')) return []
  const after = await readState(ctx, thing.address, 'block')
  return [...after].flatMap(([what, now]): readonly SafeChange[] => {
    const then = before.get(what)
    const isTold = events.some(({ name }) => TOLD[what]?.includes(name))
    return then === undefined || then === now || isTold ? [] : [{ what, before: then, after: now }]
  })
}
