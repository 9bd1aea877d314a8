import {
  type Address,
  bpsOf,
  type Finding,
  type FindingSeverity,
  formatAmount,
  formatBps,
  type Hex,
  readToken,
  showAddress,
} from 'tocsin'
import type { Summary } from './history.ts'
import type { CapContext, CapThing } from './holders.ts'

export type Breach = {
  readonly thing: CapThing
  /** Undefined: native coin. */
  readonly token: Address | undefined
  readonly units: bigint
  readonly held: bigint
  readonly history: Summary
  readonly severity: FindingSeverity
  readonly isMatched: boolean
  readonly receiver:
    | {
        readonly address: Address
        readonly kind: 'account' | 'contract' | 'contract of this block'
        readonly isFirst: boolean
      }
    | undefined
  readonly caller: Address | undefined
  readonly txHash: Hex | undefined
}

/** "12.3" of 123 and 10; large ratios without digits after the point. */
const timesOf = (units: bigint, max: bigint): string => {
  const tenths = max > 0n ? (units * 10n) / max : 0n
  return tenths >= 1_000n ? String(tenths / 10n) : `${tenths / 10n}.${tenths % 10n}`
}

const KIND_TEXT = {
  account: 'an account',
  contract: 'a contract',
  'contract of this block': 'a contract made in this block',
} as const

const receiverText = (ctx: CapContext, receiver: NonNullable<Breach['receiver']>): string =>
  ` It went to ${showAddress(ctx, receiver.address)}, ${KIND_TEXT[receiver.kind]}${receiver.isFirst ? ' that never got a large outflow before' : ''}.`

export const reportBreach = async (ctx: CapContext, breach: Breach): Promise<Finding> => {
  const { thing, token, units, held, history, severity, isMatched, receiver, caller } = breach
  const unit = token ? await readToken(ctx, token) : { decimals: 18, symbol: 'native coin' }
  const show = (amount: bigint): string => formatAmount(amount, unit.decimals ?? 0, unit.symbol)
  const { historyDays, warnFactor, minShareBps } = thing.parameters
  const share = bpsOf(units, held)
  const shareBps = share > 10_000n ? 10_000n : share
  const to = receiver ? receiverText(ctx, receiver) : ''
  const matched = isMatched ? ' Shares or a debt stand against it, or the books hold.' : ''
  const who = caller ? ` Sent by ${showAddress(ctx, caller)}.` : ''
  return {
    alertId: 'OUTFLOW-ABOVE-CAP',
    name: `Unusually large outflow of ${unit.symbol}`,
    description: `${show(units)} left ${thing.name} in one ${breach.txHash ? 'transaction' : 'block'}: ${timesOf(units, history.max)} times the largest outflow of the last ${historyDays} days (${show(history.max)}), and ${formatBps(shareBps)} of what it held.${to}${matched}${who}`,
    severity,
    type: isMatched ? 'Suspicious' : 'Exploit',
    thing: thing.name,
    ...(thing.protocol === undefined ? {} : { protocol: thing.protocol }),
    metadata: {
      direction: 'out',
      kind: thing.kind,
      token: token ?? 'native',
      symbol: unit.symbol,
      decimals: String(unit.decimals ?? 0),
      units: units.toString(),
      amount: formatAmount(units, unit.decimals ?? 0),
      held: held.toString(),
      shareBps: shareBps.toString(),
      historicalMax: history.max.toString(),
      times: timesOf(units, history.max),
      samples: String(history.count),
      historyDays: String(historyDays),
      thresholdFactor: String(warnFactor),
      thresholdBps: String(minShareBps),
      matched: isMatched ? 'yes' : 'no',
      ...(receiver
        ? {
            recipient: receiver.address,
            recipientKind: receiver.kind,
            firstTime: receiver.isFirst ? 'yes' : 'no',
          }
        : {}),
      ...(caller ? { caller } : {}),
      ...(breach.txHash ? { tx: breach.txHash } : {}),
    },
    addresses: [
      ...new Set([
        thing.address,
        ...(token ? [token] : []),
        ...(receiver ? [receiver.address] : []),
        ...(caller ? [caller] : []),
      ]),
    ],
    ...(breach.txHash ? { txHash: breach.txHash } : {}),
    uniqueKey: `${thing.name}:${token ?? 'native'}`,
  }
}
