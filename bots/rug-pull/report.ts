import { type Finding, formatBps } from 'tocsin'
import { type RugContext, type RugThing, type Sign, wordsOf } from './ledger.ts'

export const reportRug = (
  ctx: RugContext,
  subject: string,
  thing: RugThing,
  signs: readonly Sign[],
): Finding => {
  const { windowS, signals, saleBps } = ctx.parameters
  const last = signs.at(-1)
  const things = [...new Set(signs.map((sign) => sign.thing))]
  const told = signs.map(({ kind, text, block }) => `${wordsOf(kind)} (block ${block}: ${text})`)
  return {
    alertId: 'RUG-PULL',
    name: `Rug pull: ${subject.slice(subject.indexOf(':') + 1)}`,
    description: `${signs.length} signs of a rug pull within ${windowS} s: ${told.join('; ')}.`,
    severity: 'Critical',
    type: 'Exploit',
    thing: thing.name,
    ...(thing.protocol === undefined ? {} : { protocol: thing.protocol }),
    metadata: {
      subject,
      signs: signs.map(({ kind }) => kind).join(','),
      contributing: told.join('; '),
      findings: signs.flatMap(({ finding }) => finding ?? []).join(','),
      things: things.join(','),
      transactions: [...new Set(signs.flatMap(({ tx }) => tx ?? []))].join(','),
      firstBlock: String(Math.min(...signs.map(({ block }) => block))),
      lastBlock: String(last?.block ?? ctx.block.number),
      thresholdSigns: String(signals),
      windowS: String(windowS),
      saleShare: formatBps(saleBps),
    },
    addresses: [
      ...new Set(
        things.flatMap((name) => ctx.things.find((one) => one.name === name)?.address ?? []),
      ),
    ],
    ...(last?.tx ? { txHash: last.tx } : {}),
    uniqueKey: subject,
  }
}
