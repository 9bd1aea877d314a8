import {
  type Address,
  addressTopic,
  type BotBlock,
  type ConditionStanding,
  defineBot,
  type Finding,
  type FindingSeverity,
  followCondition,
} from 'tocsin'
import { erc20Abi, erc4626Abi } from '../../abis/index.ts'
import { findBadDebt } from './badDebt.ts'
import { utilisationParameters } from './parameters.ts'
import {
  kinkOf,
  readUsed,
  type UsedReserve,
  type UtilisationContext,
  type UtilisationThing,
  worthOf,
} from './readMarket.ts'
import { reportLiquidity, reportUsed, reportWord } from './report.ts'

const TRANSFER = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
const RANK: readonly FindingSeverity[] = ['Info', 'Low', 'Medium', 'High', 'Critical']

/** How a reserve stood when it was last read. */
type Stand = {
  readonly usedBps: number
  readonly severity: FindingSeverity | null
  readonly isNear: boolean
  /** Since when it is above `highBps` (block seconds); 0 when it is not. */
  readonly highSinceS: number
}
type Memory = {
  readonly lookedS: number
  readonly reserves: Readonly<Record<string, Stand>>
  readonly liquidBps?: number
}
const UNSEEN: Memory = { lookedS: 0, reserves: {} }

const judgeReserve = async (
  ctx: UtilisationContext,
  thing: UtilisationThing,
  one: UsedReserve,
  before: Stand | undefined,
): Promise<Stand> => {
  const { usedBps } = one
  const { warnBps, highBps, highForS, pageBps, endBps, kinkMarginBps, minUsd } = thing.parameters
  const nowS = ctx.block.timestampS
  const highSinceS = usedBps > highBps ? before?.highSinceS || nowS : 0
  const quiet = { usedBps, severity: null, isNear: usedBps > warnBps - endBps, highSinceS }
  if (usedBps <= warnBps) return quiet
  const kink = await kinkOf(ctx, one.reserve)
  const isClose = kink !== undefined && kink + kinkMarginBps > warnBps
  if (isClose && usedBps <= Math.min(kink + kinkMarginBps, pageBps)) return quiet
  const isHigh = usedBps > pageBps || (highSinceS > 0 && nowS - highSinceS >= highForS)
  const worth = await worthOf(ctx, thing.address, one)
  const isSmall = worth !== undefined && worth < BigInt(minUsd)
  return { ...quiet, severity: isSmall ? 'Low' : isHigh ? 'High' : 'Medium' }
}

const standingOf = (stands: readonly Stand[], failed: readonly string[]): ConditionStanding => {
  const rank = Math.max(
    -1,
    ...stands.map(({ severity }) => (severity ? RANK.indexOf(severity) : -1)),
  )
  const severity = RANK[rank]
  if (severity) return { kind: 'holds', severity }
  if (failed.length > 0) return { kind: 'unknown' }
  return { kind: stands.some(({ isNear }) => isNear) ? 'near' : 'well' }
}

const examineMarket = async (
  ctx: UtilisationContext,
  block: BotBlock,
  thing: UtilisationThing,
): Promise<readonly Finding[]> => {
  const memory = ctx.state.get<Memory>(`seen:${thing.name}`) ?? UNSEEN
  const isBeat =
    memory.lookedS === 0 || ctx.block.timestampS - memory.lookedS >= thing.parameters.beatS
  const isTouched = block.logs.some(({ address }) => address === thing.address)
  if (!isBeat && !isTouched) return []
  const { used, failed } = await readUsed(ctx, block, thing, isBeat)
  const reserves: Record<string, Stand> = { ...memory.reserves }
  for (const one of used)
    reserves[one.reserve.asset] = await judgeReserve(ctx, thing, one, reserves[one.reserve.asset])
  const lookedS = isBeat ? ctx.block.timestampS : memory.lookedS
  ctx.state.set(`seen:${thing.name}`, { lookedS, reserves })
  const findings = isTouched ? [...(await findBadDebt(ctx, block, thing))] : []
  if (Object.keys(reserves).length === 0) return findings
  const word = followCondition(
    ctx.state,
    `episode:${thing.name}`,
    standingOf(Object.values(reserves), failed),
  )
  if (!word) return findings
  const worst = used
    .filter(({ reserve }) => reserves[reserve.asset]?.severity === word.severity)
    .sort((a, b) => b.usedBps - a.usedBps)[0]
  const isTold = word.condition === 'holds' && worst !== undefined
  return [
    ...findings,
    isTold ? await reportUsed(ctx, thing, worst, word) : reportWord(thing, word, failed),
  ]
}

const examineVault = async (
  ctx: UtilisationContext,
  block: BotBlock,
  thing: UtilisationThing & { readonly kind: 'vault' },
): Promise<readonly Finding[]> => {
  const memory = ctx.state.get<Memory>(`seen:${thing.name}`) ?? UNSEEN
  const me = addressTopic(thing.address)
  const isTouched = block.logs.some(
    ({ address, topics }) => address === thing.address || topics[1] === me || topics[2] === me,
  )
  const isBeat =
    memory.lookedS === 0 || ctx.block.timestampS - memory.lookedS >= thing.parameters.beatS
  if (!isTouched && !isBeat) return []
  const base = { address: thing.address, abi: erc4626Abi } as const
  const asset = thing.asset
    ? ({ ok: true, value: thing.asset.toLowerCase() as Address } as const)
    : await ctx.read.call<Address>({ ...base, functionName: 'asset' })
  if (!asset.ok) return []
  const [total, own] = await Promise.all([
    ctx.read.call<bigint>({ ...base, functionName: 'totalAssets' }),
    ctx.read.call<bigint>({
      address: asset.value,
      abi: erc20Abi,
      functionName: 'balanceOf',
      args: [thing.address],
    }),
  ])
  // Whether a vault answers at all is told by others.
  if (!total.ok || !own.ok || total.value === 0n) return []
  const liquidBps = Number((own.value * 10_000n) / total.value)
  const { vaultLiquidBps, vaultBaselineBps, endBps } = thing.parameters
  const baseline = memory.liquidBps ?? liquidBps
  ctx.state.set(`seen:${thing.name}`, {
    lookedS: ctx.block.timestampS,
    reserves: {},
    liquidBps: baseline,
  })
  if (baseline < vaultBaselineBps) return []
  const standing: ConditionStanding =
    liquidBps < vaultLiquidBps
      ? { kind: 'holds', severity: 'Medium' }
      : { kind: liquidBps < vaultLiquidBps + endBps ? 'near' : 'well' }
  const word = followCondition(ctx.state, `episode:${thing.name}`, standing)
  if (!word) return []
  const facts = { asset: asset.value.toLowerCase() as Address, own: own.value, total: total.value }
  return [
    word.condition === 'holds'
      ? await reportLiquidity(ctx, thing, facts, word)
      : reportWord(thing, word, []),
  ]
}

/**
 * Depositors who cannot get out, and loans that nobody will pay back. State: one small record for each thing, with one
 * for each of its reserves (128 at most).
 */
export const utilisation = defineBot({
  id: 'utilisation',
  version: '1.0.0',
  summary: 'A lending market or vault has little left to withdraw, or loans without collateral.',
  parameters: utilisationParameters,
  kinds: ['lending-market', 'vault'],
  alerts: [
    { id: 'UTILISATION', title: 'Little is left to withdraw', kind: 'condition', severity: 'High' },
    { id: 'BAD-DEBT', title: 'A loan without collateral', kind: 'event', severity: 'Critical' },
  ],
  needs: ({ things }) => ({
    everyBlock: true,
    logs: things.flatMap(({ kind, address }) => {
      if (kind === 'lending-market') return [{ address }]
      const me = addressTopic(address)
      return [{ address }, { topics: [TRANSFER, me] }, { topics: [TRANSFER, null, me] }]
    }),
  }),
  handleBlock: async (block, ctx) => {
    const findings: Finding[] = []
    for (const thing of ctx.things) {
      if (thing.kind === 'lending-market')
        findings.push(...(await examineMarket(ctx, block, thing)))
      else if (thing.kind === 'vault') findings.push(...(await examineVault(ctx, block, thing)))
    }
    return findings
  },
})
