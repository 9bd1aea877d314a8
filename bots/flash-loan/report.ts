import {
  type BotAlert,
  type BotThing,
  type ChainTransaction,
  cleanText,
  type Finding,
  formatAmount,
  readToken,
  showAddress,
} from 'tocsin'
import type { FlashContext } from './bot.ts'
import type { Loan } from './findLoans.ts'
import type { FlashLoanParameters } from './parameters.ts'

const MAX_TOLD = 5

const amountOf = async (ctx: FlashContext, { token, units }: Loan): Promise<string> => {
  const { decimals, symbol } = await readToken(ctx, token)
  return decimals === undefined
    ? `${units} smallest units of ${cleanText(symbol, 24)}`
    : formatAmount(units, decimals, cleanText(symbol, 24))
}

export const reportLoan = async (
  ctx: FlashContext,
  facts: {
    readonly alert: BotAlert
    readonly thing: BotThing<FlashLoanParameters>
    readonly tx: ChainTransaction
    readonly loans: readonly Loan[]
    readonly severity: 'High' | 'Critical'
  },
): Promise<Finding> => {
  const { alert, thing, tx, loans, severity } = facts
  const shown = await Promise.all(
    loans.slice(0, MAX_TOLD).map(async (loan) => ({ ...loan, amount: await amountOf(ctx, loan) })),
  )
  const told = shown.map(
    ({ amount, lender, by }) => `${amount} of ${showAddress(ctx, lender)} (${by})`,
  )
  const more = loans.length > shown.length ? ` and ${loans.length - shown.length} more` : ''
  return {
    alertId: 'FLASH-LOAN',
    name: `With a flash loan: ${cleanText(alert.name, 120)}`,
    description: `${alert.botId} found on ${thing.name}: ${cleanText(alert.name, 200)}. The transaction borrowed and gave back ${told.join('; ')}${more}: it needed no money of its own.`,
    severity,
    type: 'Exploit',
    thing: thing.name,
    ...(thing.protocol === undefined ? {} : { protocol: thing.protocol }),
    metadata: {
      finding: alert.id,
      findingBot: alert.botId,
      findingAlert: alert.alertId,
      severityBefore: alert.severity,
      severityAfter: severity,
      loans: shown
        .map(({ by, lender, borrower, token, units }) =>
          [by, `lender ${lender}`, `borrower ${borrower}`, `token ${token}`, `units ${units}`].join(
            ', ',
          ),
        )
        .join('; '),
      amounts: shown.map(({ amount }) => amount).join('; '),
      loanCount: String(loans.length),
      caller: tx.from,
      ...(tx.to ? { entry: tx.to } : {}),
      tx: tx.hash,
    },
    addresses: [
      ...new Set([
        thing.address,
        tx.from,
        ...shown.flatMap((loan) => [loan.borrower, loan.lender]),
      ]),
    ].slice(0, 12),
    txHash: tx.hash,
    uniqueKey: thing.name,
  }
}
