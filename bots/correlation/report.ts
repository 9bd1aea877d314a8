import type { Finding } from 'tocsin'
import type { CorrelationContext, Note } from './ledger.ts'

const GRAVE = ['Medium', 'High', 'Critical']

/** The thing that people and answers should look at: where value leaves, first of all one that was taken over; else the gravest, and the newest. */
const subjectThing = (ctx: CorrelationContext, notes: readonly Note[]) => {
  const taken = new Set(notes.flatMap(({ role, thing }) => (role === 'change' ? thing : [])))
  const rank = ({ role, thing, severity, block }: Note): number =>
    (role === 'outflow' ? 10 : 0) +
    (taken.has(thing) ? 5 : 0) +
    GRAVE.indexOf(severity) +
    block / 1e12
  const [first] = notes
    .filter(({ thing }) => ctx.things.some(({ name }) => name === thing))
    .sort((a, b) => rank(b) - rank(a))
  return first && ctx.things.find(({ name }) => name === first.thing)
}

const line = ({ bot, alert, name, severity, block, tx }: Note): string =>
  `${bot} ${alert} (${severity}, block ${block}${tx ? `, ${tx}` : ''}): ${name}`

const evidence = (ctx: CorrelationContext, notes: readonly Note[], subject: string) => {
  const thing = subjectThing(ctx, notes)
  const [kind, ...rest] = subject.split(':')
  const blocks = notes.map(({ block }) => block)
  return {
    ...(thing ? { thing: thing.name } : {}),
    ...(kind === 'protocol' ? { protocol: rest.join(':') } : {}),
    metadata: {
      subject,
      findings: notes.map(({ id }) => id).join(','),
      contributing: notes.map(line).join('; '),
      bots: [...new Set(notes.map(({ bot }) => bot))].join(','),
      things: [...new Set(notes.flatMap(({ thing: one }) => one ?? []))].join(','),
      transactions: [...new Set(notes.flatMap(({ tx }) => tx ?? []))].slice(0, 16).join(','),
      firstBlock: String(Math.min(...blocks)),
      lastBlock: String(Math.max(...blocks)),
      spanS: String(ctx.block.timestampS - Math.min(...notes.map(({ timestampS }) => timestampS))),
    },
    addresses: thing ? [thing.address] : [],
    uniqueKey: subject,
  }
}

export const reportIncident = (
  ctx: CorrelationContext,
  subject: { readonly key: string; readonly name: string },
  { notes, signals }: { readonly notes: readonly Note[]; readonly signals: number },
): Finding => {
  const { warnings, windowS } = ctx.parameters
  const parts = evidence(ctx, notes, subject.key)
  return {
    alertId: 'CORRELATED-INCIDENT',
    name: `Several bots warn of ${subject.name}`,
    description: `${signals} independent signals on ${subject.name} within ${windowS} s: ${notes.map(({ bot, name }) => `${name} (${bot})`).join('; ')}.`,
    severity: 'Critical',
    type: 'Suspicious',
    ...parts,
    metadata: {
      ...parts.metadata,
      signals: String(signals),
      thresholdSignals: String(warnings),
      windowS: String(windowS),
    },
  }
}

export const reportPause = (
  ctx: CorrelationContext,
  subject: { readonly key: string; readonly name: string },
  notes: readonly Note[],
): Finding => {
  const { pauseWindowS } = ctx.parameters
  const parts = evidence(ctx, notes, subject.key)
  const told = (role: Note['role']): string =>
    notes
      .filter((note) => note.role === role)
      .map(({ name, bot, block }) => `${name} (${bot}, block ${block})`)
      .join('; ')
  return {
    alertId: 'PAUSE-CANDIDATE',
    name: `Control changed and value leaves: ${subject.name}`,
    description: `Within ${pauseWindowS} s on ${subject.name}, a change of control: ${told('change')}; and an outflow: ${told('outflow')}.`,
    severity: 'Critical',
    type: 'Suspicious',
    ...parts,
    metadata: { ...parts.metadata, windowS: String(pauseWindowS) },
  }
}
