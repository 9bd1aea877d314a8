import {
  type Address,
  type BotContext,
  type BotThing,
  type ChainLog,
  cleanText,
  type Finding,
  formatAmount,
  type WatchedThing,
} from 'tocsin'
import { getAddress } from 'viem/utils'
import type { Party, TransferVerdict } from './judgeTransfer.ts'
import type { NativeMove } from './nativeMoves.ts'
import type { LargeTransferParameters } from './parameters.ts'
import { type Transfer, ZERO } from './parseTransfer.ts'

const ALERT = {
  token: 'LARGE-TRANSFER',
  treasury: 'TREASURY-TRANSFER',
  exchange: 'EXCHANGE-TRANSFER',
  whale: 'WHALE-TRANSFER',
} as const

const show = ({ address, name }: Pick<Party, 'address' | 'name'>): string =>
  name ? `${cleanText(name, 60)} (${getAddress(address)})` : getAddress(address)

const labelsOf = (parties: readonly Party[]): NonNullable<Finding['labels']> =>
  parties.flatMap(({ address, tags }) =>
    tags.map((label) => ({ entity: address, label, confidence: 1 })),
  )

export const reportTransfer = (facts: {
  readonly transfer: Transfer
  readonly sides: { readonly from: Party; readonly to: Party }
  readonly verdict: TransferVerdict
  readonly unit: { readonly decimals: number }
  readonly symbol: string
  readonly log: ChainLog
  /** Place among the transfers of its transaction. */
  readonly ordinal: number
  readonly sender: Address | undefined
  readonly about: Pick<WatchedThing, 'name' | 'protocol'> | undefined
}): Finding => {
  const { transfer, sides, verdict, unit, log, sender, about } = facts
  const symbol = cleanText(facts.symbol, 24)
  const amount = formatAmount(transfer.units, unit.decimals, symbol)
  const what = {
    mint: `${amount} were minted to ${show(sides.to)}`,
    burn: `${amount} of ${show(sides.from)} were burned`,
    transfer: `${amount} went from ${show(sides.from)} to ${show(sides.to)}`,
  }[verdict.kind]
  const limit = formatAmount(verdict.thresholdUnits, unit.decimals, symbol)
  const alertId =
    verdict.kind === 'mint'
      ? 'LARGE-MINT'
      : verdict.kind === 'burn'
        ? 'LARGE-BURN'
        : ALERT[verdict.role]
  return {
    alertId,
    name: `Large ${verdict.kind} of ${symbol}`,
    description: `${what}. The threshold of the ${verdict.role} is ${limit}.`,
    severity: verdict.severity,
    type: 'Suspicious',
    ...(about ? { thing: about.name } : {}),
    ...(about?.protocol === undefined ? {} : { protocol: about.protocol }),
    metadata: {
      kind: verdict.kind,
      role: verdict.role,
      token: transfer.token,
      symbol,
      decimals: String(unit.decimals),
      units: transfer.units.toString(),
      amount: formatAmount(transfer.units, unit.decimals),
      thresholdUnits: verdict.thresholdUnits.toString(),
      from: transfer.from,
      to: transfer.to,
      ...(sides.from.name ? { fromLabel: cleanText(sides.from.name, 80) } : {}),
      ...(sides.to.name ? { toLabel: cleanText(sides.to.name, 80) } : {}),
      ...(sides.from.tags.length > 0 ? { fromTags: sides.from.tags.join(',') } : {}),
      ...(sides.to.tags.length > 0 ? { toTags: sides.to.tags.join(',') } : {}),
      ...(sender ? { caller: sender } : {}),
      tx: log.txHash,
      logIndex: String(log.logIndex),
    },
    addresses: [
      ...new Set([transfer.token, transfer.from, transfer.to, ...(sender ? [sender] : [])]),
    ].filter((one) => one !== ZERO),
    labels: labelsOf([sides.from, sides.to]),
    txHash: log.txHash,
    uniqueKey: `${transfer.token}:${facts.ordinal}`,
  }
}

export const reportNative = (
  ctx: Pick<BotContext<LargeTransferParameters>, 'labels' | 'thingAt'>,
  thing: BotThing<LargeTransferParameters>,
  move: NativeMove,
  limitWei: bigint,
): Finding => {
  const isOut = move.from === thing.address
  const other = isOut ? move.to : move.from
  const isHidden = other === ZERO
  const name = ctx.thingAt(other)?.name ?? ctx.labels.get(other)?.name
  const verb = isOut ? 'left' : 'reached'
  const where = isHidden
    ? 'by internal calls'
    : `${isOut ? 'to' : 'from'} ${show({ address: other, name })}`
  const limit = formatAmount(limitWei, 18, 'native coin')
  return {
    alertId: 'TREASURY-TRANSFER',
    name: `Native coin ${verb} ${thing.name}`,
    description: `${formatAmount(move.wei, 18, 'native coin')} ${verb} ${thing.name} ${where}. The threshold of the treasury is ${limit}.`,
    severity: move.wei > limitWei * BigInt(thing.parameters.highFactor) ? 'High' : 'Medium',
    type: 'Suspicious',
    thing: thing.name,
    ...(thing.protocol === undefined ? {} : { protocol: thing.protocol }),
    metadata: {
      kind: 'native',
      role: 'treasury',
      direction: isOut ? 'out' : 'in',
      units: move.wei.toString(),
      amount: formatAmount(move.wei, 18),
      thresholdUnits: limitWei.toString(),
      ...(isHidden
        ? { seenBy: 'balance' }
        : { seenBy: 'transaction', from: move.from, to: move.to }),
      ...(move.txHash ? { tx: move.txHash } : {}),
    },
    addresses: isHidden ? [thing.address] : [thing.address, other],
    ...(move.txHash ? { txHash: move.txHash } : {}),
    uniqueKey: [thing.name, 'native', isOut ? 'out' : 'in', ...(isHidden ? ['hidden'] : [])].join(
      ':',
    ),
  }
}

/** Told once per token, until its decimals are known: its transfers cannot be judged. */
export const reportUnknownDecimals = (
  ctx: Pick<BotContext<LargeTransferParameters>, 'state' | 'thingAt'>,
  token: Address,
  symbol: string,
): Finding | undefined => {
  const key = `unreadable:${token}`
  if (ctx.state.get<boolean>(key)) return undefined
  ctx.state.set(key, true)
  const thing = ctx.thingAt(token)
  return {
    alertId: 'TOKEN-UNREADABLE',
    name: 'Decimals of a token unknown',
    description: `The token ${cleanText(symbol, 24)} (${getAddress(token)}) does not say its decimals, so its transfers cannot be judged. Write \`decimals\` into the watchlist.`,
    severity: 'Medium',
    type: 'Degraded',
    ...(thing ? { thing: thing.name } : {}),
    metadata: { token },
    addresses: [token],
    uniqueKey: token,
  }
}
