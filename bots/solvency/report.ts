import {
  type BotBlock,
  type ConditionWord,
  type Finding,
  formatAmount,
  formatBps,
  readToken,
  showAddress,
} from 'tocsin'
import type { Judged } from './judgeLines.ts'
import { movesOf, type SolvencyContext, type SolvencyThing, type TokenMove } from './line.ts'
import type { PoolLoss } from './poolLoss.ts'

const common = (thing: SolvencyThing) => ({
  thing: thing.name,
  ...(thing.protocol === undefined ? {} : { protocol: thing.protocol }),
  uniqueKey: thing.name,
})

/** The largest transfer out in this block: most likely what took it. */
const largestOut = (block: BotBlock, thing: SolvencyThing, token: string | undefined) => {
  let largest: TokenMove | undefined
  for (const move of movesOf(block, thing.address))
    if (move.isOut && (token === undefined || move.token === token))
      if (!largest || move.units > largest.units) largest = move
  if (!largest) return undefined
  const { txHash, units, other } = largest
  const recipient = `0x${other.slice(26)}` as const
  const caller = block.transactions.find((tx) => tx.hash === txHash)?.from
  return { txHash, units, recipient, caller }
}

const evidenceOf = (out: ReturnType<typeof largestOut>) =>
  out
    ? {
        largestOutflow: out.units.toString(),
        recipient: out.recipient,
        tx: out.txHash,
        ...(out.caller ? { caller: out.caller } : {}),
      }
    : {}

const amounts = async (ctx: SolvencyContext, { line, missing }: Judged) => {
  const { token } = line
  const info = token === undefined ? undefined : await readToken(ctx, token)
  const show = (units: bigint): string =>
    info?.decimals === undefined
      ? `${units} smallest units`
      : formatAmount(units, info.decimals, info.symbol)
  return {
    owed: show(line.owed),
    held: show(line.held),
    missing: show(missing),
    symbol: info?.symbol ?? '',
    decimals: String(info?.decimals ?? 0),
  }
}

export const reportShortfall = async (
  ctx: SolvencyContext,
  block: BotBlock,
  thing: SolvencyThing,
  judged: Judged,
  { severity }: ConditionWord,
): Promise<Finding> => {
  const { line, missing } = judged
  const text = await amounts(ctx, judged)
  const out = largestOut(block, thing, line.token)
  const who = out
    ? ` The largest transfer out went to ${showAddress(ctx, out.recipient)}.`
    : line.isMoved
      ? ''
      : ' No transfer moved it: the token itself changed its balances.'
  const shortBps = line.owed > 0n ? (missing * 10_000n) / line.owed : 0n
  return {
    ...common(thing),
    alertId: 'SHORTFALL',
    name: 'More is owed than is there',
    description: `${thing.name} has ${text.held} against ${text.owed} (${line.owedAs}): ${text.missing} are missing, ${formatBps(shortBps)}.${who}`,
    severity,
    type: line.isMoved ? 'Exploit' : 'Suspicious',
    metadata: {
      line: line.key,
      owed: line.owed.toString(),
      held: line.held.toString(),
      missing: missing.toString(),
      tolerated: (line.owed - line.held - missing).toString(),
      shortBps: shortBps.toString(),
      thresholdBps: String(thing.parameters.shortfallBps),
      symbol: text.symbol,
      decimals: text.decimals,
      kind: thing.kind,
      ...evidenceOf(out),
    },
    addresses: [
      thing.address,
      ...(line.token && line.token !== thing.address ? [line.token] : []),
      ...(out ? [out.recipient] : []),
    ],
    ...(out ? { txHash: out.txHash } : {}),
    condition: 'holds',
  }
}

/** The condition where there is no number to tell. */
export const reportWord = (
  thing: SolvencyThing,
  { condition, severity }: ConditionWord,
  failed: readonly string[],
): Finding => {
  const names = failed.slice(0, 5).join(', ')
  const text = {
    ended: `What ${thing.name} owes is there again.`,
    holds: `${thing.name} can be read again, and still lacks about as much.`,
    unknown: `Whether ${thing.name} has what it owes cannot be told: ${names} gave no answer.`,
  }
  return {
    ...common(thing),
    alertId: 'SHORTFALL',
    name: condition === 'unknown' ? 'Solvency unknown' : 'More is owed than is there',
    description: text[condition],
    severity,
    type: condition === 'unknown' ? 'Degraded' : 'Info',
    metadata: { kind: thing.kind, ...(failed.length > 0 ? { failed: names } : {}) },
    addresses: [thing.address],
    condition,
  }
}

/** A shortfall that was there when the watch began: the tolerance from now on. */
export const reportStart = async (
  ctx: SolvencyContext,
  thing: SolvencyThing,
  judged: Judged,
): Promise<Finding> => {
  const text = await amounts(ctx, judged)
  return {
    ...common(thing),
    alertId: 'SHORT-AT-START',
    name: 'Short since before the watch',
    description: `${thing.name} lacked ${text.missing} of ${text.owed} (${judged.line.owedAs}) when it was first looked at. As much is tolerated from now on.`,
    severity: 'Low',
    type: 'Info',
    metadata: {
      line: judged.line.key,
      owed: judged.line.owed.toString(),
      held: judged.line.held.toString(),
      symbol: text.symbol,
      decimals: text.decimals,
    },
    addresses: [thing.address],
  }
}

export const reportPoolLoss = (
  ctx: SolvencyContext,
  block: BotBlock,
  thing: SolvencyThing,
  loss: PoolLoss,
): Finding => {
  const { lossBps, before, after, token, unit, isRebase } = loss
  const out = largestOut(block, thing, token)
  const { poolLossBps, criticalBps } = thing.parameters
  // Tokens with balances of their own making lose a little by design; nobody's tenth vanishes so.
  const severity =
    isRebase && lossBps <= 1_000 ? 'Medium' : lossBps >= criticalBps ? 'Critical' : 'High'
  return {
    ...common(thing),
    alertId: 'POOL-LOSS',
    name: 'The pool lost more than its events tell',
    description: `${thing.name} lost ${formatBps(lossBps)} of its ${token === undefined ? 'liquidity behind each share' : 'balance'} in block ${block.number}, which no swap or withdrawal explains.${isRebase ? ' No transfer moved it: the token itself changed its balances.' : ''}${out ? ` The largest transfer out went to ${showAddress(ctx, out.recipient)}.` : ''}`,
    severity,
    type: isRebase ? 'Suspicious' : 'Exploit',
    metadata: {
      before: before.toString(),
      after: after.toString(),
      unit,
      lossBps: String(lossBps),
      thresholdBps: String(poolLossBps),
      rebase: isRebase ? 'yes' : 'no',
      ...(token ? { token } : {}),
      ...evidenceOf(out),
    },
    addresses: [thing.address, ...(token ? [token] : []), ...(out ? [out.recipient] : [])],
    ...(out ? { txHash: out.txHash } : {}),
  }
}
