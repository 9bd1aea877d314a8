import {
  type AlertBlock,
  type BotAlert,
  type BotContext,
  type BotThing,
  type ChainTransaction,
  defineBot,
  EVERY_KIND,
  type Finding,
  type FindingSeverity,
} from 'tocsin'
import { parseAbi } from 'viem'
import { findLoans, type Loan } from './findLoans.ts'
import { type FlashLoanParameters, flashLoanParameters } from './parameters.ts'
import { reportLoan } from './report.ts'

export type FlashContext = BotContext<FlashLoanParameters>

const lenderAbi = parseAbi(['function maxFlashLoan(address token) view returns (uint256)'])
const RAISED: Readonly<Partial<Record<FindingSeverity, 'High' | 'Critical'>>> = {
  Medium: 'High',
  High: 'Critical',
  Critical: 'Critical',
}
/** Most transactions of a block that are looked at for a finding that names none. */
const MAX_TRANSACTIONS = 16

/** The loans of a transaction. A lender without an event of its own is asked whether it is one. */
const loansOf = async (ctx: FlashContext, tx: ChainTransaction): Promise<readonly Loan[]> => {
  const { loans, suspects } = findLoans(tx.logs)
  const asked = await Promise.all(
    suspects.map(async (suspect) => {
      const answer = await ctx.read.call<bigint>({
        address: suspect.lender,
        abi: lenderAbi,
        functionName: 'maxFlashLoan',
        args: [suspect.token],
      })
      return answer.ok ? [suspect] : []
    }),
  )
  return [...loans, ...asked.flat()]
}

/** The finding's own transaction; where it names none, those of the block that touch the thing. */
const transactionsOf = (
  alert: BotAlert,
  thing: BotThing<FlashLoanParameters>,
  block: AlertBlock,
): readonly ChainTransaction[] => {
  if (alert.txHash === null) return block.touching(thing.address).slice(0, MAX_TRANSACTIONS)
  const tx = block.transaction(alert.txHash)
  return tx ? [tx] : []
}

/** What was told in this block, so that it is told once, and again only when it is worse. */
const isNews = (ctx: FlashContext, key: string, severity: string): boolean => {
  const told = ctx.state.get<{ block: number; keys: Record<string, string> }>('told')
  const keys = told?.block === ctx.block.number ? told.keys : {}
  if (keys[key] === 'Critical' || keys[key] === severity) return false
  ctx.state.set('told', { block: ctx.block.number, keys: { ...keys, [key]: severity } })
  return true
}

const examine = async (
  alert: BotAlert,
  ctx: FlashContext,
  block: AlertBlock,
): Promise<readonly Finding[]> => {
  const { ignoreBots, ignoreAlerts } = ctx.parameters
  const thing = ctx.things.find(({ name }) => name === alert.thing)
  const severity = RAISED[alert.severity]
  const isOver = alert.condition === 'ended' || alert.condition === 'unknown'
  if (!thing || !severity || isOver || (alert.metadata['setUp'] ?? 'no') !== 'no') return []
  if (ignoreBots.includes(alert.botId) || ignoreAlerts.includes(alert.alertId)) return []
  const findings: Finding[] = []
  for (const tx of transactionsOf(alert, thing, block)) {
    if (tx.status === 'reverted') continue
    // A lender is touched by every loan it gives; that alone ties no finding to one of them.
    const loans = (await loansOf(ctx, tx)).filter(
      ({ lender }) => alert.txHash !== null || lender !== thing.address,
    )
    if (loans.length > 0 && isNews(ctx, `${tx.hash}:${thing.name}`, severity))
      findings.push(await reportLoan(ctx, { alert, thing, tx, loans, severity }))
  }
  return findings
}

/**
 * Flash loans as an amplifier: never a finding of their own, only where another bot found something in the same
 * transaction on the same thing. State: what was told in the last block in which something was.
 */
export const flashLoan = defineBot({
  id: 'flash-loan',
  version: '1.0.0',
  summary: 'What another bot warns of was done with the money of a flash loan.',
  parameters: flashLoanParameters,
  kinds: EVERY_KIND,
  alerts: [
    {
      id: 'FLASH-LOAN',
      title: 'Finding in a transaction with a flash loan',
      kind: 'event',
      severity: 'Critical',
    },
  ],
  needs: () => ({ alerts: [{ minSeverity: 'Medium' }] }),
  handleAlert: examine,
})
