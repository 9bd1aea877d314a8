import {
  type Address,
  type BotBlock,
  type Finding,
  formatAmount,
  formatBps,
  type Hex,
  showAddress,
} from 'tocsin'
import { type PriceMove, timesFirstPrice } from './judgePrice.ts'
import { PROBE, type ShareContext, type Snapshot, type Units, type VaultThing } from './vault.ts'

/** A transaction that explains what happened, and who sent it. */
export type Suspect = { readonly txHash: Hex; readonly sender: Address; readonly units: bigint }

const show = (units: Units, amount: bigint): string =>
  units.asset?.decimals === undefined
    ? `${amount} smallest units`
    : formatAmount(amount, units.asset.decimals, units.asset.symbol)

/** Price of one whole share, for people. */
const showPrice = (units: Units, price: bigint): string =>
  units.shareDecimals === undefined
    ? `${price} for 1e24 smallest units of shares`
    : show(units, (price * 10n ** BigInt(units.shareDecimals)) / PROBE)

const about = (thing: VaultThing, units: Units, suspect: Suspect | undefined) => ({
  thing: thing.name,
  ...(thing.protocol === undefined ? {} : { protocol: thing.protocol }),
  addresses: [
    thing.address,
    ...(units.asset ? [units.asset.address] : []),
    ...(suspect ? [suspect.sender] : []),
  ],
  ...(suspect ? { txHash: suspect.txHash } : {}),
})

const state = (units: Units, before: Snapshot | undefined, now: Snapshot) => ({
  ...(before
    ? {
        priceBefore: showPrice(units, before.price),
        assetsBefore: before.assets.toString(),
        sharesBefore: before.shares.toString(),
      }
    : {}),
  priceAfter: showPrice(units, now.price),
  assetsAfter: now.assets.toString(),
  sharesAfter: now.shares.toString(),
  assetDecimals: String(units.assetDecimals ?? 'unknown'),
  shareDecimals: String(units.shareDecimals ?? 'unknown'),
})

const CAUSES: Readonly<Record<PriceMove['cause'], string>> = {
  donation: 'The asset was transferred to the vault without a deposit.',
  report: 'The vault counts more assets, and none were transferred to it without a deposit.',
  'fees of withdrawals': 'Holders withdrew, and what they paid for it stays with the others.',
  loss: 'The vault counts fewer assets for its shares.',
  dilution: 'Shares were made without as many assets.',
}

const bps = (ppb: number): number => Math.trunc(Math.abs(ppb) / 100_000)

export const reportMove = (
  ctx: ShareContext,
  block: BotBlock,
  thing: VaultThing,
  facts: {
    readonly before: Snapshot
    readonly now: Snapshot
    readonly move: PriceMove
    readonly units: Units
    readonly donated: bigint
    readonly suspect: Suspect | undefined
  },
): Finding => {
  const { before, now, move, units, donated, suspect } = facts
  const isGain = move.ppb > 0
  const who = suspect ? ` The transaction was sent by ${showAddress(ctx, suspect.sender)}.` : ''
  return {
    alertId: isGain ? 'SHARE-PRICE-JUMP' : 'SHARE-PRICE-DROP',
    name: isGain ? 'Share price jumped' : 'Share price dropped',
    description: `A share of ${thing.name} ${isGain ? 'gained' : 'lost'} ${formatBps(bps(move.ppb))} in block ${block.number}, from ${showPrice(units, before.price)} to ${showPrice(units, now.price)}. ${CAUSES[move.cause]}${donated > 0n ? ` ${show(units, donated)} came in that way.` : ''}${who}`,
    severity: move.severity,
    type:
      move.severity === 'Low' ? 'Info' : move.severity === 'Critical' ? 'Exploit' : 'Suspicious',
    ...about(thing, units, suspect),
    metadata: {
      ...state(units, before, now),
      changeBps: String(Math.trunc(move.ppb / 100_000)),
      thresholdBps: (move.limitPpb / 100_000).toFixed(2),
      thresholdFrom: move.limitFrom,
      cause: move.cause,
      ...(donated > 0n ? { donated: donated.toString(), donatedAmount: show(units, donated) } : {}),
      ...(suspect ? { tx: suspect.txHash, caller: suspect.sender } : {}),
    },
    uniqueKey: thing.name,
  }
}

export const reportRobbed = (
  ctx: ShareContext,
  thing: VaultThing,
  facts: {
    readonly now: Snapshot
    readonly units: Units
    readonly deposit: { readonly assets: bigint; readonly shares: bigint; readonly owner: Address }
    readonly lost: bigint
    readonly suspect: Suspect
    readonly logIndex: number
  },
): Finding => {
  const { now, units, deposit, lost, suspect, logIndex } = facts
  return {
    alertId: 'DEPOSIT-ROBBED',
    name: 'Deposit lost to rounding',
    description: `${showAddress(ctx, deposit.owner)} deposited ${show(units, deposit.assets)} into ${thing.name} and got ${deposit.shares} smallest units of shares for it: ${show(units, lost)} went to whoever holds the other shares. A price inflated by few shares and a donation does this.`,
    severity: 'Critical',
    type: 'Exploit',
    ...about(thing, units, suspect),
    metadata: {
      ...state(units, undefined, now),
      deposited: show(units, deposit.assets),
      minted: deposit.shares.toString(),
      lost: lost.toString(),
      victim: deposit.owner,
      thresholdBps: deposit.shares === 0n ? '0' : String(thing.parameters.robbedBps),
      tx: suspect.txHash,
      caller: suspect.sender,
    },
    uniqueKey: `${thing.name}:${logIndex}`,
  }
}

export const reportInflation = (
  ctx: ShareContext,
  thing: VaultThing,
  facts: {
    readonly now: Snapshot
    readonly units: Units
    readonly condition: 'holds' | 'ended'
    readonly severity: Finding['severity']
    readonly suspect: Suspect | undefined
  },
): Finding => {
  const { now, units, condition, severity, suspect } = facts
  const holds = condition === 'holds'
  const who = suspect && holds ? ` Brought about by ${showAddress(ctx, suspect.sender)}.` : ''
  return {
    alertId: 'SHARE-INFLATION',
    name: holds ? 'Shares inflated' : 'Shares no longer inflated',
    description: holds
      ? `${thing.name} has ${now.shares} smallest units of shares against ${show(units, now.assets)}: a share is worth ${timesFirstPrice(now, units)} times its first price, and the next deposit is rounded down, to nothing at worst.${who}`
      : `${thing.name} has shares enough again, or little in it: a deposit is no longer rounded down by much.`,
    severity: holds ? severity : 'Info',
    type: holds ? 'Exploit' : 'Info',
    ...about(thing, units, holds ? suspect : undefined),
    metadata: {
      ...state(units, undefined, now),
      timesFirstPrice: timesFirstPrice(now, units).toString(),
      threshold: String(thing.parameters.inflatedTimes),
      tinySupply: String(thing.parameters.tinySupply),
      ...(suspect ? { tx: suspect.txHash, caller: suspect.sender } : {}),
    },
    uniqueKey: thing.name,
    condition,
  }
}
