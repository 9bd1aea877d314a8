import {
  type Address,
  addressOfWord,
  addressTopic,
  type BotBlock,
  bpsOf,
  type Finding,
  formatAmount,
  formatBps,
  type Hex,
  readToken,
  showAddress,
} from 'tocsin'
import { erc4626Abi } from '../../abis/index.ts'
import type { Line, TvlContext, TvlThing } from './gauge.ts'
import type { Drop, WindowDrop } from './judgeDrop.ts'
import type { Drain } from './slowDrain.ts'

const TRANSFER: Hex = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'

type Unit = { readonly decimals: number; readonly symbol: string }

/** The unit that people read a line in. */
export const unitOf = async (ctx: TvlContext, thing: TvlThing, line: Line): Promise<Unit> => {
  if (line.unit === 'wei') return { decimals: 18, symbol: 'native coin' }
  let token = line.token
  if (token === undefined && thing.kind === 'vault') {
    const key = `asset:${thing.name}`
    token = ctx.state.get<Address>(key)
    if (token === undefined) {
      const asset = await ctx.read.call<Address>({
        address: thing.address,
        abi: erc4626Abi,
        functionName: 'asset',
      })
      if (asset.ok) {
        token = asset.value.toLowerCase() as Address
        ctx.state.set(key, token)
      }
    }
  }
  if (token === undefined) return { decimals: 0, symbol: line.unit }
  const { decimals, symbol } = await readToken(ctx, token)
  return {
    decimals: decimals ?? 0,
    symbol: decimals === undefined ? `smallest units of ${symbol}` : symbol,
  }
}

/** The largest transfer out of the thing in this block: most likely what took it. */
const largestOutflow = (block: BotBlock, thing: TvlThing, token: Address | undefined) => {
  let largest:
    | { readonly units: bigint; readonly to: Address | undefined; readonly txHash: Hex }
    | undefined
  const from = addressTopic(thing.address)
  for (const log of block.logs) {
    if (log.topics[0] !== TRANSFER || log.topics.length !== 3 || log.topics[1] !== from) continue
    if ((token !== undefined && log.address !== token) || log.data.length !== 66) continue
    const units = BigInt(log.data)
    if (largest && units <= largest.units) continue
    largest = { units, to: addressOfWord(log.topics[2] ?? '0x'), txHash: log.txHash }
  }
  if (!largest) return undefined
  const { txHash } = largest
  return { ...largest, caller: block.transactions.find((tx) => tx.hash === txHash)?.from }
}

const common = (thing: TvlThing, line: Line, drop: Drop, unit: Unit) => ({
  before: drop.base.toString(),
  after: drop.now.toString(),
  lost: (drop.base - drop.now).toString(),
  dropBps: String(drop.dropBps),
  line: line.key,
  unit: unit.symbol,
  decimals: String(unit.decimals),
  matchedByShares: drop.isMatched ? 'yes' : line.shares === undefined ? 'unknown' : 'no',
  kind: thing.kind,
})

const amounts = (drop: Drop, unit: Unit): string =>
  `from ${formatAmount(drop.base, unit.decimals)} to ${formatAmount(drop.now, unit.decimals, unit.symbol)}`

const matchedText = (drop: Drop, line: Line): string =>
  drop.isMatched
    ? ' The value of a share held, so holders took out what was theirs.'
    : line.shares === undefined
      ? ''
      : ' No shares were given back for it.'

const protocolOf = (thing: TvlThing) =>
  thing.protocol === undefined ? {} : { protocol: thing.protocol }

export const reportBlockDrop = async (
  ctx: TvlContext,
  block: BotBlock,
  thing: TvlThing,
  line: Line,
  drop: Drop,
): Promise<Finding> => {
  const unit = await unitOf(ctx, thing, line)
  const outflow = largestOutflow(block, thing, line.token)
  const to = outflow?.to
  const took = outflow
    ? ` The largest transfer out went${to ? ` to ${showAddress(ctx, to)}` : ''}${outflow.caller ? `, sent by ${showAddress(ctx, outflow.caller)}` : ''}.`
    : ''
  return {
    alertId: 'TVL-DROP-BLOCK',
    name: 'Value lost in one block',
    description: `${thing.name} lost ${formatBps(drop.dropBps)} of its value in block ${block.number}, ${amounts(drop, unit)}.${matchedText(drop, line)}${took}`,
    severity: drop.severity,
    type: drop.isMatched ? 'Suspicious' : 'Exploit',
    thing: thing.name,
    ...protocolOf(thing),
    metadata: {
      ...common(thing, line, drop, unit),
      thresholdBps: String(thing.parameters.oneBlockDropBps),
      ...(outflow ? { largestOutflow: outflow.units.toString(), tx: outflow.txHash } : {}),
      ...(to ? { recipient: to } : {}),
      ...(outflow?.caller ? { caller: outflow.caller } : {}),
    },
    addresses: [
      thing.address,
      ...(line.token ? [line.token] : []),
      ...(to ? [to] : []),
      ...(outflow?.caller && outflow.caller !== to ? [outflow.caller] : []),
    ],
    ...(outflow ? { txHash: outflow.txHash } : {}),
    uniqueKey: thing.name,
  }
}

export const reportWindowDrop = async (
  ctx: TvlContext,
  thing: TvlThing,
  line: Line,
  drop: WindowDrop,
): Promise<Finding> => {
  const unit = await unitOf(ctx, thing, line)
  const { windowS, dropBps, stepBps } = thing.parameters
  const went = drop.cameAndWent
    ? ' It is not that far below where it stood when the window began: much of it came and went within.'
    : ''
  return {
    alertId: 'TVL-DROP',
    name: 'Value dropped',
    description: `${thing.name} is down ${formatBps(drop.dropBps)} from its highest value of the last ${windowS} s, ${amounts(drop, unit)}.${matchedText(drop, line)}${went}`,
    severity: drop.severity,
    type: drop.isMatched || drop.cameAndWent ? 'Suspicious' : 'Exploit',
    thing: thing.name,
    ...protocolOf(thing),
    metadata: {
      ...common(thing, line, drop, unit),
      windowS: String(windowS),
      thresholdBps: String(dropBps),
      stepBps: String(stepBps),
      level: String(drop.level),
      cameAndWent: drop.cameAndWent ? 'yes' : 'no',
    },
    addresses: [thing.address, ...(line.token ? [line.token] : [])],
    uniqueKey: thing.name,
    condition: 'holds',
  }
}

/** The window form when there is no number to tell: it is over, it goes on, or nobody can know. */
export const reportState = (
  thing: TvlThing,
  say: {
    readonly condition: 'holds' | 'ended' | 'unknown'
    readonly severity: Finding['severity']
  },
  failed: readonly string[],
): Finding => {
  const { windowS } = thing.parameters
  const text = {
    ended: `${thing.name} is no longer down by the threshold within the last ${windowS} s.`,
    holds: `${thing.name} can be read again, and is still down near the threshold.`,
    unknown: `The value of ${thing.name} cannot be told: ${failed.slice(0, 5).join(', ')} gave no answer.`,
  }
  return {
    alertId: 'TVL-DROP',
    name: say.condition === 'unknown' ? 'Value unknown' : 'Value dropped',
    description: text[say.condition],
    severity: say.severity,
    type: say.condition === 'unknown' ? 'Degraded' : 'Info',
    thing: thing.name,
    ...protocolOf(thing),
    metadata: {
      windowS: String(windowS),
      thresholdBps: String(thing.parameters.dropBps),
      ...(failed.length > 0 ? { failed: failed.slice(0, 5).join(', ') } : {}),
    },
    addresses: [thing.address],
    uniqueKey: thing.name,
    condition: say.condition,
  }
}

export const reportDrain = async (
  ctx: TvlContext,
  thing: TvlThing,
  drain: Drain,
): Promise<Finding> => {
  const { line, base, now, takers, isConcentrated } = drain
  const unit = await unitOf(ctx, thing, line)
  const { slowWindowS, slowDropBps, slowSteps } = thing.parameters
  const lostBps = bpsOf(base - now, base)
  const who = takers.parties.map(({ address }) => showAddress(ctx, address)).join(', ')
  const to =
    takers.parties.length === 0
      ? ''
      : ` ${formatBps(bpsOf(takers.net, base - now))} of it went to ${who}, in ${takers.steps} transactions, net of what they brought${takers.areNew ? '; they got nothing the day before' : ''}.`
  const shares = line.shares === undefined ? '' : ' The value of a share fell with it.'
  return {
    alertId: 'TVL-DRAIN-SLOW',
    name: 'Value leaves in small steps',
    description: `${thing.name} is down ${formatBps(lostBps)} within ${slowWindowS} s, net of deposits, from ${formatAmount(base, unit.decimals)} to ${formatAmount(now, unit.decimals, unit.symbol)}, by no step that stood out.${to}${shares}`,
    severity: drain.severity,
    type: drain.severity === 'High' ? 'Exploit' : 'Suspicious',
    thing: thing.name,
    ...protocolOf(thing),
    metadata: {
      before: base.toString(),
      after: now.toString(),
      lost: (base - now).toString(),
      dropBps: lostBps.toString(),
      line: line.key,
      unit: unit.symbol,
      decimals: String(unit.decimals),
      matchedByShares: line.shares === undefined ? 'unknown' : 'no',
      concentrated: isConcentrated ? 'yes' : 'no',
      recipients: takers.parties.map(({ address }) => address).join(' '),
      recipientsNet: takers.net.toString(),
      recipientsNew: takers.areNew ? 'yes' : 'no',
      steps: String(takers.steps),
      windowS: String(slowWindowS),
      thresholdBps: String(slowDropBps),
      thresholdSteps: String(slowSteps),
      kind: thing.kind,
    },
    addresses: [
      thing.address,
      ...(line.token ? [line.token] : []),
      ...takers.parties.map(({ address }) => address),
    ],
    uniqueKey: thing.name,
    condition: 'holds',
  }
}

export const reportDrainEnd = (thing: TvlThing): Finding => ({
  alertId: 'TVL-DRAIN-SLOW',
  name: 'Value leaves in small steps',
  description: `${thing.name} is no longer down by the threshold within the last ${thing.parameters.slowWindowS} s.`,
  severity: 'Info',
  type: 'Info',
  thing: thing.name,
  ...protocolOf(thing),
  metadata: {
    windowS: String(thing.parameters.slowWindowS),
    thresholdBps: String(thing.parameters.slowDropBps),
  },
  addresses: [thing.address],
  uniqueKey: thing.name,
  condition: 'ended',
})
