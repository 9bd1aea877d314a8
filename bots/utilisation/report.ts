import {
  type Address,
  bpsOf,
  type ConditionWord,
  exceedsBps,
  type Finding,
  type FindingSeverity,
  formatAmount,
  formatBps,
  readToken,
  showAddress,
} from 'tocsin'
import type { UsedReserve, UtilisationContext, UtilisationThing } from './readMarket.ts'

const common = (thing: UtilisationThing) => ({
  thing: thing.name,
  ...(thing.protocol === undefined ? {} : { protocol: thing.protocol }),
})

const shower = async (ctx: UtilisationContext, token: Address) => {
  const { decimals, symbol } = await readToken(ctx, token)
  const show = (units: bigint): string =>
    decimals === undefined
      ? `${units} smallest units of ${symbol}`
      : formatAmount(units, decimals, symbol)
  return { show, decimals: String(decimals ?? 0), symbol }
}

export const reportUsed = async (
  ctx: UtilisationContext,
  thing: UtilisationThing,
  { reserve, state, usedBps }: UsedReserve,
  { severity }: ConditionWord,
): Promise<Finding> => {
  const { show, decimals, symbol } = await shower(ctx, reserve.asset)
  const { warnBps, highBps, highForS, pageBps } = thing.parameters
  return {
    ...common(thing),
    alertId: 'UTILISATION',
    name: 'Little is left to withdraw',
    description: `${formatBps(usedBps)} of the ${symbol} in ${thing.name} is lent out: ${show(state.cash)} is left for deposits of ${show(state.supplied)}.`,
    severity,
    type: 'Suspicious',
    metadata: {
      asset: reserve.asset,
      symbol,
      decimals,
      usedBps: String(usedBps),
      cash: state.cash.toString(),
      debt: state.debt.toString(),
      supplied: state.supplied.toString(),
      thresholdBps: String(warnBps),
      highBps: String(highBps),
      highForS: String(highForS),
      pageBps: String(pageBps),
    },
    addresses: [thing.address, reserve.asset],
    uniqueKey: thing.name,
    condition: 'holds',
  }
}

export const reportLiquidity = async (
  ctx: UtilisationContext,
  thing: UtilisationThing,
  facts: { readonly asset: Address; readonly own: bigint; readonly total: bigint },
  { severity }: ConditionWord,
): Promise<Finding> => {
  const { show, decimals, symbol } = await shower(ctx, facts.asset)
  const liquidBps = bpsOf(facts.own, facts.total)
  return {
    ...common(thing),
    alertId: 'UTILISATION',
    name: 'Little is left to withdraw',
    description: `${thing.name} has ${show(facts.own)} at hand for ${show(facts.total)} that is in it (${formatBps(liquidBps)}).`,
    severity,
    type: 'Suspicious',
    metadata: {
      asset: facts.asset,
      symbol,
      decimals,
      liquidBps: liquidBps.toString(),
      cash: facts.own.toString(),
      supplied: facts.total.toString(),
      thresholdBps: String(thing.parameters.vaultLiquidBps),
    },
    addresses: [thing.address, facts.asset],
    uniqueKey: thing.name,
    condition: 'holds',
  }
}

/** The condition where there is no number to tell. */
export const reportWord = (
  thing: UtilisationThing,
  { condition, severity }: ConditionWord,
  failed: readonly string[],
): Finding => {
  const names = failed.slice(0, 5).join(', ')
  const text = {
    ended: `There is enough to withdraw from ${thing.name} again.`,
    holds: `Little is still left to withdraw from ${thing.name}.`,
    unknown: `What is left to withdraw from ${thing.name} cannot be told: ${names} gave no answer.`,
  }
  return {
    ...common(thing),
    alertId: 'UTILISATION',
    name: condition === 'unknown' ? 'Liquidity unknown' : 'Little is left to withdraw',
    description: text[condition],
    severity,
    type: condition === 'unknown' ? 'Degraded' : 'Info',
    metadata: failed.length > 0 ? { failed: names } : {},
    addresses: [thing.address],
    uniqueKey: thing.name,
    condition,
  }
}

export const reportDeficit = async (
  ctx: UtilisationContext,
  thing: UtilisationThing,
  facts: {
    readonly user: Address
    readonly asset: Address
    readonly amount: bigint
    readonly supplied: bigint | undefined
    readonly tx: `0x${string}`
  },
  severity: FindingSeverity,
  logIndex: number,
): Promise<Finding> => {
  const { show, decimals, symbol } = await shower(ctx, facts.asset)
  const part =
    facts.supplied === undefined
      ? ''
      : `, ${formatBps(bpsOf(facts.amount, facts.supplied))} of its deposits`
  return {
    ...common(thing),
    alertId: 'BAD-DEBT',
    name: 'A loan without collateral',
    description: `${thing.name} wrote off ${show(facts.amount)}${part}: ${showAddress(ctx, facts.user)} has no collateral left.`,
    severity,
    type: 'Suspicious',
    metadata: {
      user: facts.user,
      asset: facts.asset,
      symbol,
      decimals,
      amount: facts.amount.toString(),
      ...(facts.supplied === undefined ? {} : { supplied: facts.supplied.toString() }),
      highBps: String(thing.parameters.badDebtHighBps),
      criticalBps: String(thing.parameters.badDebtCriticalBps),
    },
    addresses: [thing.address, facts.asset, facts.user],
    txHash: facts.tx,
    uniqueKey: `${thing.name}:${logIndex}`,
  }
}

export const reportInsolvent = (
  ctx: UtilisationContext,
  thing: UtilisationThing,
  facts: {
    readonly user: Address
    readonly asset: Address
    readonly debt: bigint
    /** What all deposits of the asset are worth (whole dollars), where the market says so. */
    readonly worthUsd: bigint | undefined
    readonly tx: `0x${string}`
  },
): Finding => {
  const { minUsd, badDebtHighBps, badDebtCriticalBps } = thing.parameters
  // The market counts in its base currency, which is dollars with eight decimals.
  const isLarge = facts.debt >= BigInt(minUsd) * 10n ** 8n
  const deposits = (facts.worthUsd ?? 0n) * 10n ** 8n
  const isOf = (bps: number): boolean =>
    facts.worthUsd !== undefined &&
    facts.worthUsd >= BigInt(minUsd) &&
    exceedsBps(facts.debt, deposits, bps)
  return {
    ...common(thing),
    alertId: 'BAD-DEBT',
    name: 'A loan without collateral',
    description: `A liquidation in ${thing.name} left ${showAddress(ctx, facts.user)} without collateral, and with debt of ${formatAmount(facts.debt, 8)} in the market's base currency.`,
    severity: isOf(badDebtCriticalBps)
      ? 'Critical'
      : isLarge || isOf(badDebtHighBps)
        ? 'High'
        : 'Low',
    type: 'Suspicious',
    metadata: {
      user: facts.user,
      asset: facts.asset,
      debtBase: facts.debt.toString(),
      ...(facts.worthUsd === undefined ? {} : { depositsUsd: facts.worthUsd.toString() }),
      highFromUsd: String(thing.parameters.minUsd),
    },
    addresses: [thing.address, facts.asset, facts.user],
    txHash: facts.tx,
    uniqueKey: `${thing.name}:${facts.user}`,
  }
}
