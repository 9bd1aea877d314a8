import {
  type Address,
  cleanText,
  type Finding,
  type FindingSeverity,
  formatAmount,
  formatBps,
  readToken,
  showAddress,
} from 'tocsin'
import type { Backing } from './backing.ts'
import type { Move } from './readFlow.ts'
import { BPS, type MintContext, type MintThing } from './types.ts'

export type Supply = { readonly before: bigint; readonly after: bigint }

export type AlertId =
  | 'SUPPLY-JUMP'
  | 'SUPPLY-JUMP-WINDOW'
  | 'MINT-UNBACKED'
  | 'SILENT-MINT'
  | 'NEW-MINTER'
  | 'BURN-ANOMALY'
  | 'MINTER-CAP'
  | 'SUPPLY-UNREADABLE'

export type Facts = {
  readonly alertId: AlertId
  readonly severity: FindingSeverity
  readonly what: string
  readonly supply?: Supply
  /** The move that explains it best. */
  readonly move?: Move | undefined
  readonly minter?: Address | undefined
  readonly backing?: Backing | undefined
  readonly metadata?: Readonly<Record<string, string>>
  readonly uniqueKey?: string
  readonly condition?: Finding['condition']
}

const NAMES: Readonly<Record<AlertId, string>> = {
  'SUPPLY-JUMP': 'Supply jumped',
  'SUPPLY-JUMP-WINDOW': 'Supply grows fast',
  'MINT-UNBACKED': 'Minted without collateral',
  'SILENT-MINT': 'Supply grew without an event',
  'NEW-MINTER': 'New minter',
  'BURN-ANOMALY': 'Unusual burn',
  'MINTER-CAP': 'Allowance of a minter changed',
  'SUPPLY-UNREADABLE': 'Supply cannot be read',
}

export type Unit = { readonly decimals: number; readonly symbol: string }

/** Decimals and symbol; smallest units where the token does not say. */
export const unitOf = async (ctx: MintContext, thing: MintThing): Promise<Unit> => {
  const own = thing.kind === 'token' ? thing : undefined
  if (own?.decimals !== undefined && own.symbol !== undefined)
    return { decimals: own.decimals, symbol: cleanText(own.symbol, 24) }
  const read = await readToken(ctx, thing.address)
  const decimals = own?.decimals ?? read.decimals
  return decimals === undefined
    ? { decimals: 0, symbol: `smallest units of ${cleanText(own?.symbol ?? read.symbol, 24)}` }
    : { decimals, symbol: cleanText(own?.symbol ?? read.symbol, 24) }
}

/** "12.34 %" of millionths. */
export const showPart = (millionths: number): string => formatBps(Math.floor(millionths / BPS))

export const report = async (
  ctx: MintContext,
  thing: MintThing,
  facts: Facts,
): Promise<Finding> => {
  const { decimals, symbol } = await unitOf(ctx, thing)
  const { supply, move, minter, backing } = facts
  const show = (units: bigint): string => formatAmount(units, decimals, symbol)
  const ending = [
    ...(supply ? [`The supply went from ${show(supply.before)} to ${show(supply.after)}.`] : []),
    ...(move ? [`Largest: ${show(move.units)}, ${showAddress(ctx, move.holder)}.`] : []),
    ...(minter ? [`By ${showAddress(ctx, minter)}.`] : []),
  ].join(' ')
  const description = `${cleanText(thing.name, 60)}: ${facts.what}${ending ? ` ${ending}` : ''}`
  return {
    alertId: facts.alertId,
    name: `${NAMES[facts.alertId]}: ${cleanText(thing.name, 60)}`,
    description,
    severity: facts.severity,
    type: facts.alertId === 'SUPPLY-UNREADABLE' ? 'Degraded' : 'Suspicious',
    thing: thing.name,
    ...(thing.protocol === undefined ? {} : { protocol: thing.protocol }),
    metadata: {
      token: thing.address,
      symbol,
      decimals: String(decimals),
      ...(supply
        ? {
            before: supply.before.toString(),
            after: supply.after.toString(),
            beforeAmount: formatAmount(supply.before, decimals),
            afterAmount: formatAmount(supply.after, decimals),
          }
        : {}),
      ...(move
        ? {
            units: move.units.toString(),
            amount: formatAmount(move.units, decimals),
            holder: move.holder,
            tx: move.log.txHash,
          }
        : {}),
      ...(minter ? { minter } : {}),
      ...(backing?.asset
        ? {
            collateral: backing.asset,
            collateralBefore: backing.before.toString(),
            collateralAfter: backing.after.toString(),
          }
        : {}),
      ...facts.metadata,
    },
    addresses: [
      ...new Set([thing.address, ...(move ? [move.holder] : []), ...(minter ? [minter] : [])]),
    ],
    ...(move ? { txHash: move.log.txHash } : {}),
    uniqueKey: facts.uniqueKey ?? thing.name,
    ...(facts.condition ? { condition: facts.condition } : {}),
  }
}
