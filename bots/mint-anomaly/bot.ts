import { type BotBlock, defineBot, type Finding, requireAbi } from 'tocsin'
import { erc20Abi, erc4626Abi } from '../../abis/index.ts'
import { judgeBurns } from './judgeBurns.ts'
import { judgeCaps } from './judgeCaps.ts'
import { judgeDilution, unpaidShares } from './judgeMint.ts'
import { judgeSilent } from './judgeSilent.ts'
import { judgeMints } from './judgeToken.ts'
import { mintAnomalyParameters } from './parameters.ts'
import { explain, type Flow, largestOf, readFlow, supplyLogs } from './readFlow.ts'
import { report, type Supply, showPart } from './report.ts'
import { BPS, type MintContext, type MintThing, partOf } from './types.ts'
import { keepWitness } from './witnesses.ts'

/** Vaults with less than this (smallest units) round too much to be judged. */
const MIN_ASSETS = 1_000_000n

const supplyKey = (thing: MintThing): string => `${thing.name}:supply`
const assetsKey = (thing: MintThing): string => `${thing.name}:assets`

const judgeVault = async (
  ctx: MintContext,
  thing: MintThing,
  flow: Flow | undefined,
  supply: Supply,
): Promise<readonly Finding[]> => {
  for (const { holder } of flow?.mints ?? []) keepWitness(ctx, thing, holder)
  const now = ctx.reads<bigint>(assetsKey(thing))
  if (!now.ok || supply.after <= supply.before) return []
  const { address } = thing
  const was = await ctx.read.call<bigint>({
    address,
    abi: erc4626Abi,
    functionName: 'totalAssets',
    at: 'parent',
  })
  if (!was.ok || was.value < MIN_ASSETS) return []
  const unpaid = unpaidShares(
    { shares: supply.before, assets: was.value },
    { shares: supply.after, assets: now.value },
  )
  const part = partOf(unpaid, supply.before)
  const severity = judgeDilution(part, thing.parameters)
  if (!severity) return []
  return [
    await report(ctx, thing, {
      alertId: 'MINT-UNBACKED',
      severity,
      what: `shares worth ${showPart(part)} of all shares were made for which no assets came.`,
      supply,
      move: largestOf(flow?.mints ?? []),
      metadata: {
        assetsBefore: was.value.toString(),
        assetsAfter: now.value.toString(),
        unpaidShares: unpaid.toString(),
        partBps: String(Math.floor(part / BPS)),
        thresholdBps: String(thing.parameters.dilutionBps),
      },
    }),
  ]
}

/**
 * Supply before this block and after it. The last known is asked again at the parent when it matters: blocks that this
 * bot did not see are not the doing of this one.
 */
const readSupply = async (
  ctx: MintContext,
  thing: MintThing,
  after: bigint,
): Promise<Supply | undefined> => {
  const key = `supply:${thing.name}`
  const known = ctx.state.get<bigint>(key)
  if (known !== after) ctx.state.set(key, after)
  if (known === after) return { before: after, after }
  const change = known === undefined || known > after ? (known ?? 0n) - after : after - known
  const isSmall = known !== undefined && partOf(change, known) <= thing.parameters.silentBps * BPS
  if (isSmall) return { before: known, after }
  const parent = await ctx.read.call<bigint>({
    address: thing.address,
    abi: erc20Abi,
    functionName: 'totalSupply',
    at: 'parent',
  })
  return parent.ok ? { before: parent.value, after } : undefined
}

const unreadable = async (
  ctx: MintContext,
  thing: MintThing,
  reason: string,
): Promise<readonly Finding[]> => {
  const key = `unreadable:${thing.name}`
  if (ctx.state.get<boolean>(key)) return []
  ctx.state.set(key, true)
  return [
    await report(ctx, thing, {
      alertId: 'SUPPLY-UNREADABLE',
      severity: 'Low',
      what: 'totalSupply() does not answer, so nothing is said of its supply.',
      metadata: { reason: reason.slice(0, 200) },
    }),
  ]
}

const examine = async (
  ctx: MintContext,
  block: BotBlock,
  thing: MintThing,
): Promise<readonly Finding[]> => {
  const flow = readFlow(thing.address, block)
  const read = ctx.reads<bigint>(supplyKey(thing))
  const caps =
    flow && flow.caps.length > 0
      ? await judgeCaps(ctx, thing, flow, read.ok ? read.value : undefined)
      : []
  if (!read.ok) return [...caps, ...(await unreadable(ctx, thing, read.reason))]
  const supply = await readSupply(ctx, thing, read.value)
  if (!supply || supply.before === 0n) return caps
  const change = supply.after - supply.before
  const isWatching = ctx.state.get(`window:${thing.name}`) !== undefined
  if (change === 0n && (flow?.mints.length ?? 0) === 0 && !isWatching) return caps
  const { told, silent } = explain(change, flow)
  return [
    ...caps,
    ...(await judgeSilent(ctx, thing, supply, silent, flow)),
    ...(thing.kind === 'vault'
      ? await judgeVault(ctx, thing, flow, supply)
      : await judgeMints(ctx, block, thing, flow, supply, told)),
    ...(thing.kind === 'token' && flow && flow.burns.length > 0
      ? await judgeBurns(ctx, block, thing, flow, supply)
      : []),
  ]
}

/**
 * The supply of tokens and vaults: what is minted against what there is, against habit, against collateral, and against
 * what the events say. Keeps for each thing: one supply, 32 minters, six holders, 31 days of two numbers, and the mints
 * of one window.
 */
export const mintAnomaly = defineBot({
  id: 'mint-anomaly',
  version: '1.0.0',
  summary:
    'The supply of a token or vault grows unusually: at once, by a new minter, without collateral, or without an event.',
  parameters: mintAnomalyParameters,
  kinds: ['token', 'vault'],
  alerts: [
    { id: 'SUPPLY-JUMP', title: 'Supply jumped', kind: 'event', severity: 'Critical' },
    {
      id: 'SUPPLY-JUMP-WINDOW',
      title: 'Supply grows fast in many mints',
      kind: 'condition',
      severity: 'Critical',
    },
    {
      id: 'MINT-UNBACKED',
      title: 'Minted without collateral',
      kind: 'event',
      severity: 'Critical',
    },
    {
      id: 'SILENT-MINT',
      title: 'Supply grew without an event',
      kind: 'event',
      severity: 'Critical',
    },
    { id: 'NEW-MINTER', title: 'A new minter', kind: 'event', severity: 'Medium' },
    { id: 'BURN-ANOMALY', title: 'Unusual burn', kind: 'event', severity: 'High' },
    { id: 'MINTER-CAP', title: 'Allowance of a minter changed', kind: 'event', severity: 'High' },
    { id: 'SUPPLY-UNREADABLE', title: 'Supply cannot be read', kind: 'event', severity: 'Low' },
  ],
  needs: ({ things }) => {
    for (const thing of things)
      if (thing.kind === 'token')
        requireAbi('mint-anomaly', thing, { events: ['Transfer(address,address,uint256)'] })
    return {
      // A mint in secret emits nothing: only the supply itself shows it.
      everyBlock: true,
      logs: supplyLogs(things.map(({ address }) => address)),
      reads: things.flatMap((thing) => {
        const call = (key: string, functionName: 'totalSupply' | 'totalAssets') =>
          ({ kind: 'call', key, address: thing.address, abi: erc4626Abi, functionName }) as const
        return [
          call(supplyKey(thing), 'totalSupply'),
          ...(thing.kind === 'vault' ? [call(assetsKey(thing), 'totalAssets')] : []),
        ]
      }),
    }
  },
  handleBlock: async (block, ctx) => {
    const findings: Finding[] = []
    for (const thing of ctx.things) findings.push(...(await examine(ctx, block, thing)))
    return findings
  },
})
