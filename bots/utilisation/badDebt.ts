import {
  type Address,
  type BotBlock,
  decodeLog,
  exceedsBps,
  type Finding,
  type FindingSeverity,
  listReserves,
  readReserve,
} from 'tocsin'
import { parseAbi } from 'viem/utils'
import { type UtilisationContext, type UtilisationThing, worthOf } from './readMarket.ts'
import { reportDeficit, reportInsolvent } from './report.ts'

const eventsAbi = parseAbi([
  'event DeficitCreated(address indexed user, address indexed debtAsset, uint256 amountCreated)',
  'event LiquidationCall(address indexed collateralAsset, address indexed debtAsset, address indexed user, uint256 debtToCover, uint256 liquidatedCollateralAmount, address liquidator, bool receiveAToken)',
])
const accountAbi = parseAbi([
  'function getUserAccountData(address user) view returns (uint256 totalCollateralBase, uint256 totalDebtBase, uint256 availableBorrowsBase, uint256 currentLiquidationThreshold, uint256 ltv, uint256 healthFactor)',
])
/** Most borrowers that are looked up in one block. */
const MAX_USERS = 64

const lower = (value: unknown): Address => String(value).toLowerCase() as Address

const severityOf = (
  thing: UtilisationThing,
  amount: bigint,
  supplied: bigint | undefined,
): FindingSeverity => {
  if (supplied === undefined) return 'High'
  if (exceedsBps(amount, supplied, thing.parameters.badDebtCriticalBps)) return 'Critical'
  return exceedsBps(amount, supplied, thing.parameters.badDebtHighBps) ? 'High' : 'Low'
}

/** Debt of a borrower who has no collateral at all; 0 when there is some, or the market does not say. */
const bareDebt = async (
  ctx: UtilisationContext,
  thing: UtilisationThing,
  user: Address,
): Promise<bigint> => {
  const account = await ctx.read.call<readonly bigint[]>({
    address: thing.address,
    abi: accountAbi,
    functionName: 'getUserAccountData',
    args: [user],
  })
  const [collateral, debt = 0n] = account.ok ? account.value : []
  return collateral === 0n ? debt : 0n
}

/** What the deposits of an asset are worth (whole dollars); undefined when the market does not say. */
const depositsOf = async (
  ctx: UtilisationContext,
  thing: UtilisationThing,
  asset: Address,
): Promise<bigint | undefined> => {
  const reserve = (await listReserves(ctx, thing.address))?.find((one) => one.asset === asset)
  const state = reserve && (await readReserve(ctx, reserve))
  return reserve && state && worthOf(ctx, thing.address, { reserve, state })
}

/** Deficits that the market admits (Aave v3.3), and borrowers whom a liquidation left with debt alone. */
export const findBadDebt = async (
  ctx: UtilisationContext,
  block: BotBlock,
  thing: UtilisationThing,
): Promise<readonly Finding[]> => {
  const findings: Finding[] = []
  const told = new Set<Address>()
  const liquidated = new Map<Address, { readonly tx: `0x${string}`; readonly asset: Address }>()
  for (const log of block.logs) {
    if (log.address !== thing.address) continue
    const event = decodeLog(eventsAbi, log)
    if (!event) continue
    const user = lower(event.args['user'])
    const asset = lower(event.args['debtAsset'])
    if (event.name === 'LiquidationCall') {
      liquidated.set(user, { tx: log.txHash, asset })
      continue
    }
    const amount = event.args['amountCreated']
    if (typeof amount !== 'bigint') continue
    told.add(user)
    const reserve = (await listReserves(ctx, thing.address))?.find((one) => one.asset === asset)
    const state = reserve && (await readReserve(ctx, reserve))
    const severity = severityOf(thing, amount, state?.supplied)
    const facts = { user, asset, amount, supplied: state?.supplied, tx: log.txHash }
    findings.push(await reportDeficit(ctx, thing, facts, severity, log.logIndex))
  }
  const others = [...liquidated].filter(([user]) => !told.has(user)).slice(0, MAX_USERS)
  for (const [user, { tx, asset }] of others) {
    const debt = await bareDebt(ctx, thing, user)
    if (debt === 0n) continue
    const worthUsd = await depositsOf(ctx, thing, asset)
    findings.push(reportInsolvent(ctx, thing, { user, asset, debt, worthUsd, tx }))
  }
  return findings
}
