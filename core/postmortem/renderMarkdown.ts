import { cleanText } from '../base/index.ts'
import type { Postmortem, Step, Target } from './types.ts'

/** Text of strangers in a document that others render: nothing of it is markup, a link, or a column of a table. */
const plain = (value: string | null | undefined, max = 1_000): string =>
  cleanText(value ?? '', max)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/[\\`*_[\]|~#]/g, '\\$&')
    .replace(/(https?):\/\//gi, '$1:\u200B//')
    .replace(/@(?=\w)/g, '@\u200B')

const second = (at: Date | null): string =>
  at ? `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC` : '–'

const span = (s: number | null): string => {
  if (s === null) return '–'
  const parts = [
    [Math.floor(s / 86_400), 'd'],
    [Math.floor((s % 86_400) / 3_600), 'h'],
    [Math.floor((s % 3_600) / 60), 'min'],
    [s % 60, 's'],
  ] as const
  const shown = parts.filter(([n]) => n > 0).slice(0, 2)
  return shown.length === 0 ? '0 s' : shown.map(([n, unit]) => `${n} ${unit}`).join(' ')
}

const table = (
  head: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] => [
  `| ${head.join(' | ')} |`,
  `| ${head.map(() => '---').join(' | ')} |`,
  ...rows.map((row) => `| ${row.join(' | ')} |`),
]

const targetRow = (target: Target): readonly string[] => [
  target.what === 'acknowledge' ? 'acknowledged' : 'mitigated',
  target.withinS === null ? 'none' : span(target.withinS),
  target.at ? `${second(target.at)}${target.by ? ` by ${plain(target.by, 100)}` : ''}` : 'never',
  span(target.tookS),
  target.verdict === 'missed' ? '**missed**' : target.verdict,
]

const stepRow = (step: Step): readonly string[] => {
  const more = [
    step.tx ? `tx \`${cleanText(step.tx, 80)}\`` : '',
    step.channel && step.from !== 'channel' ? `by ${plain(step.channel, 80)}` : '',
  ].filter(Boolean)
  const words = plain(step.text, 2_000)
  return [
    step.at.toISOString().slice(11, 19),
    step.kind.replaceAll('_', ' '),
    more.length === 0 ? words : `${words} (${more.join(', ')})`,
  ]
}

const timelineOf = ({ timeline }: Postmortem): readonly string[] => {
  const byDay = new Map<string, Step[]>()
  for (const step of timeline) {
    const day = step.at.toISOString().slice(0, 10)
    const steps = byDay.get(day)
    if (steps) steps.push(step)
    else byDay.set(day, [step])
  }
  return [...byDay].flatMap(([day, steps]) => [
    `### ${day} (UTC)`,
    '',
    ...table(['time', 'what', 'words'], steps.map(stepRow)),
    '',
  ])
}

const moneyOf = ({ money }: Postmortem): readonly string[] => {
  if (money.length === 0)
    return [
      'No finding tells of a loss in exact units. _Say here what was at risk, and how you know._',
    ]
  const usd = money.some((each) => each.usd !== null)
  const cell = (amount: string | null, unit: string): string =>
    amount === null ? 'nothing of ours stopped it' : `${amount} ${plain(unit, 40)}`
  return table(
    [
      'thing',
      'at risk',
      'lost',
      'saved',
      ...(usd ? ['in US dollars: at risk / lost / saved'] : []),
    ],
    money.map((each) => [
      plain(each.thing, 100),
      cell(each.atRisk, each.unit),
      cell(each.lost, each.unit),
      cell(each.saved, each.unit),
      ...(usd
        ? [each.usd ? `${each.usd.atRisk} / ${each.usd.lost} / ${each.usd.saved ?? '–'}` : '–']
        : []),
    ]),
  )
}

const listOf = (lines: readonly string[], empty: string): readonly string[] =>
  lines.length === 0 ? [empty] : lines.map((line) => `- ${line}`)

/** The post-mortem as a document for people to finish. Nothing that strangers wrote is markup in it. */
export const renderMarkdown = (postmortem: Postmortem): string => {
  const { incident, targets, knew, done, alerts, gaps, cut } = postmortem
  const lasted = incident.closedAt
    ? span(Math.round((incident.closedAt.getTime() - incident.openedAt.getTime()) / 1_000))
    : 'still open'
  const lines: readonly string[] = [
    `# Post-mortem: ${plain(incident.title, 300)}`,
    '',
    ...table(
      ['incident', plain(incident.id, 100)],
      [
        ['severity', incident.severity],
        ['subject', plain(incident.subject, 200)],
        ['owner', plain(incident.owner ?? 'nobody', 100)],
        ['began on chain', second(incident.beganAt)],
        ['opened', second(incident.openedAt)],
        ['ended', second(incident.closedAt)],
        ['lasted', lasted],
        ['alerts', String(alerts.length)],
      ],
    ),
    '',
    `_Written from what Tocsin stored, as of ${second(postmortem.at)}. Times are UTC, to the second._`,
    ...(cut.length > 0 ? ['', `**Not whole:** ${cut.map((each) => plain(each)).join('; ')}.`] : []),
    '',
    '## In short',
    '',
    '_Two sentences for somebody who was not there: what happened, and what it cost._',
    '',
    '## Times against targets',
    '',
    ...table(['what', 'target', 'when', 'took', 'verdict'], targets.map(targetRow)),
    '',
    '## Money',
    '',
    ...moneyOf(postmortem),
    '',
    '## Who knew when',
    '',
    ...(knew.length === 0
      ? ['Nobody is known to have known.']
      : table(
          ['who', 'when', 'after opening', 'by'],
          knew.map((each) => [
            plain(each.who, 100),
            second(each.at),
            span(each.afterS),
            plain(each.how, 100),
          ]),
        )),
    '',
    '## What was done',
    '',
    ...(done.length === 0
      ? ['No action was asked for.']
      : table(
          ['when', 'action', 'who', 'result', 'transaction'],
          done.map((each) => [
            second(each.at),
            plain(each.what, 100),
            plain(each.who, 300),
            plain(each.result, 400),
            each.tx ? `\`${cleanText(each.tx, 80)}\`` : '–',
          ]),
        )),
    '',
    '## Contributing alerts',
    '',
    ...(alerts.length === 0
      ? ['None.']
      : table(
          ['opened', 'severity', 'alert', 'bot', 'where', 'findings'],
          alerts.map((each) => [
            second(each.openedAt),
            each.severity,
            `${plain(each.title, 300)}: ${plain(each.summary, 600)}`,
            plain(each.bot, 80),
            plain([each.thing, each.chain].filter(Boolean).join(' on '), 160),
            String(each.findings),
          ]),
        )),
    '',
    '## Gaps',
    '',
    ...listOf(
      gaps.map(
        ({ kind, text, seconds }) =>
          `**${plain(kind, 80)}**${seconds === null ? '' : ` (${span(seconds)})`}: ${plain(text, 600)}`,
      ),
      'None was found.',
    ),
    '',
    '## Timeline',
    '',
    ...timelineOf(postmortem),
    '## Root cause',
    '',
    '_Why could this happen? Ask why until the answer is something that you can change._',
    '',
    '## What went well',
    '',
    '_What would you do the same way again?_',
    '',
    '## What went badly, and where we were lucky',
    '',
    '_Begin with the gaps above: each needs an answer, or a reason why it may stay._',
    '',
    '## Lessons and tasks',
    '',
    '| task | owner | by when |',
    '| --- | --- | --- |',
    '|  |  |  |',
    '',
  ]
  return lines.join('\n')
}
