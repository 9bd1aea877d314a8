import type { Address, BotContext, BotThing } from 'tocsin'
import type { Approval } from './approvals.ts'
import type { ApprovalDrainParameters } from './parameters.ts'

export type DrainContext = BotContext<ApprovalDrainParameters>
export type DrainThing = BotThing<ApprovalDrainParameters>

type Mark = { readonly address: Address; readonly atS: number }

/** What is known of one spender. Owners are kept only while it is new. */
export type Spender = {
  readonly firstS: number
  /** Of the last approval, to the day. */
  readonly lastS: number
  readonly kind: 'known' | 'account' | 'new contract' | 'contract'
  readonly owners: readonly Mark[]
  readonly pulled: readonly Mark[]
  readonly token: Address | undefined
  readonly isTold: boolean
  readonly isPullTold: boolean
}

const DAY_S = 86_400
const MAX_OWNERS = 64
const MAX_SPENDERS = 2_048
const MAX_HOT = 32
/** From so many owners on it is looked at who takes what from them. */
const HOT_OWNERS = 3
const CREATED_S = 2 * DAY_S

const keyOf = (spender: Address): string => `spender:${spender}`

/** Contracts that somebody created: of two days. */
export const noteCreation = (ctx: DrainContext, address: Address): void =>
  ctx.window('created', { keepS: CREATED_S }).add(BigInt(address))

export const isYoung = (ctx: DrainContext, address: Address): boolean => {
  const wanted = BigInt(address)
  return ctx
    .window('created', { keepS: CREATED_S })
    .samples(CREATED_S)
    .some(({ value }) => value === wanted)
}

export const isTrusted = (ctx: DrainContext, address: Address): boolean =>
  ctx.thingAt(address) !== undefined ||
  ctx.parameters.knownSpenders.includes(address) ||
  (ctx.labels.get(address)?.tags ?? []).some((tag) => tag === 'own' || tag.startsWith('exchange'))

const kindOf = async (ctx: DrainContext, spender: Address): Promise<Spender['kind']> => {
  const startS = ctx.state.get<number>('startS') ?? ctx.block.timestampS
  const isWarm = ctx.block.timestampS - startS >= ctx.parameters.warmupS
  const code = await ctx.read.code(spender)
  if (code === '0x' || code.startsWith('0xef0100')) return 'account'
  if (isYoung(ctx, spender)) return 'new contract'
  return isWarm ? 'contract' : 'known'
}

/** When there are too many, those that nobody approved for longest are forgotten. */
const makeRoom = (ctx: DrainContext): void => {
  const count = (ctx.state.get<number>('count') ?? 0) + 1
  if (count <= MAX_SPENDERS) {
    ctx.state.set('count', count)
    return
  }
  const all = ctx.state
    .keys('spender:')
    .map((key) => ({ key, lastS: ctx.state.get<Spender>(key)?.lastS ?? 0 }))
    .sort((a, b) => a.lastS - b.lastS || (a.key < b.key ? -1 : 1))
  const dropped = all.slice(0, MAX_SPENDERS / 4)
  for (const { key } of dropped) ctx.state.delete(key)
  ctx.state.set('count', all.length - dropped.length + 1)
}

export const getSpender = (ctx: DrainContext, spender: Address): Spender | undefined =>
  ctx.state.get<Spender>(keyOf(spender))
export const setSpender = (ctx: DrainContext, spender: Address, value: Spender): void =>
  ctx.state.set(keyOf(spender), value)

const isNew = (ctx: DrainContext, { kind, firstS }: Spender): boolean =>
  kind !== 'known' && ctx.block.timestampS - firstS < ctx.parameters.newDays * DAY_S

export const listHot = (ctx: DrainContext): readonly Address[] =>
  ctx.state.get<readonly Address[]>('hot') ?? []

const heat = (ctx: DrainContext, spender: Address, owners: number): void => {
  const hot = listHot(ctx)
  if (owners < HOT_OWNERS || hot.includes(spender)) return
  ctx.state.set('hot', [...hot, spender].slice(-MAX_HOT))
}

/** Keeps an approval; the spender as it then stands, when it is a new one. */
export const noteApproval = async (
  ctx: DrainContext,
  { owner, spender, token }: Approval,
): Promise<Spender | undefined> => {
  const nowS = ctx.block.timestampS
  const known = getSpender(ctx, spender)
  if (!known) makeRoom(ctx)
  const base: Spender = known ?? {
    firstS: nowS,
    lastS: nowS,
    kind: await kindOf(ctx, spender),
    owners: [],
    pulled: [],
    token: undefined,
    isTold: false,
    isPullTold: false,
  }
  if (!isNew(ctx, base)) {
    // Of old ones only the day is kept.
    if (!known || nowS - base.lastS >= DAY_S || base.owners.length > 0)
      setSpender(ctx, spender, { ...base, lastS: nowS, owners: [], pulled: [] })
    return undefined
  }
  const owners = [
    ...base.owners.filter(
      ({ address, atS }) => address !== owner && nowS - atS < ctx.parameters.approveS,
    ),
    { address: owner, atS: nowS },
  ].slice(-MAX_OWNERS)
  const next = { ...base, lastS: nowS, owners, token }
  setSpender(ctx, spender, next)
  heat(ctx, spender, owners.length)
  return next
}

/** Adds one from whom was taken; those of the span. */
export const addPulled = (
  ctx: DrainContext,
  pulled: readonly Mark[],
  owners: readonly Address[],
): readonly Mark[] => {
  const nowS = ctx.block.timestampS
  return [
    ...pulled.filter(
      ({ address, atS }) => !owners.includes(address) && nowS - atS < ctx.parameters.pullS,
    ),
    ...owners.map((address) => ({ address, atS: nowS })),
  ].slice(-MAX_OWNERS)
}
