import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import {
  buildPostmortem,
  countMoney,
  exactAmount,
  type IncidentRecord,
  renderMarkdown,
} from './index.ts'
import { recordedIncident } from './testRecord.ts'

const golden = (name: string): string =>
  fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))

test('behavior: a recorded incident gives the post-mortem that people saw', async () => {
  const report = buildPostmortem(recordedIncident())
  await expect(renderMarkdown(report)).toMatchFileSnapshot(golden('incident.md'))
  await expect(`${JSON.stringify(report, null, 2)}\n`).toMatchFileSnapshot(golden('incident.json'))
})

test('behavior: nothing that strangers wrote is markup, a link or a column', () => {
  const text = renderMarkdown(buildPostmortem(recordedIncident()))
  expect(text).not.toMatch(/<script|<img|\[click\]\(|https?:\/\/evil/)
  expect(text).toContain('&lt;img')
  const rows = text.split('\n').filter((line) => line.startsWith('| 12:'))
  expect(rows.length).toBeGreaterThan(5)
  for (const row of rows) expect(row.replaceAll('\\|', '').split('|')).toHaveLength(5)
})

test('behavior: amounts are exact to the last unit, and dollars are rounded down', () => {
  expect(exactAmount(9_849_638_000_001n, 6)).toBe('9,849,638.000001')
  expect(exactAmount(1n, 18)).toBe('0.000000000000000001')
  expect(exactAmount(1_000n, 0)).toBe('1,000')
  const [money] = countMoney(recordedIncident())
  expect(money).toMatchObject({
    atRisk: '52,254,030.000001',
    lost: '9,849,638.000001',
    saved: '42,404,392',
    usd: { lost: '9,848,653.03' },
  })
})

test('behavior: without an action that took effect nothing counts as saved', () => {
  const record = recordedIncident()
  const executions = record.executions.map((row) => ({ ...row, status: 'refused' as const }))
  expect(countMoney({ ...record, executions })[0]?.saved).toBeNull()
})

const targetsOf = (changes: Partial<IncidentRecord['incident']>) => {
  const record = recordedIncident()
  const alerts = record.alerts.map((row) => ({
    ...row,
    acknowledgedAt: null,
    acknowledgedBy: null,
  }))
  const incident = {
    ...record.incident,
    firstAcknowledgedAt: null,
    acknowledgedAt: null,
    ...changes,
  }
  return buildPostmortem({ ...record, alerts, incident, events: [], executions: [] }).targets
}

test('behavior: exactly at its target an acknowledgement is in time, a second later it is not', () => {
  const opened = recordedIncident().incident.openedAt.getTime()
  const at = (s: number) => ({ firstAcknowledgedAt: new Date(opened + s * 1_000) })
  expect(targetsOf(at(300))[0]).toMatchObject({ verdict: 'met', tookS: 300, withinS: 300 })
  expect(targetsOf(at(301))[0]).toMatchObject({ verdict: 'missed', tookS: 301 })
})

test('behavior: what nobody took in hand, what was not delivered and what fell silent are gaps', () => {
  const record = recordedIncident()
  const silent = record.alerts.map((row) => ({ ...row, status: 'unknown' as const }))
  const kinds = buildPostmortem({ ...record, alerts: silent }).gaps.map(({ kind }) => kind)
  expect(kinds).toEqual(expect.arrayContaining(['unacknowledged', 'undelivered', 'silent source']))
})
