import { expect, test } from 'vitest'
import { mapFindings } from './mapFinding.ts'

const TX = `0x${'1'.repeat(64)}`
const finding = (more: object = {}) => ({
  name: 'N',
  description: 'D',
  alertId: 'A',
  severity: 4,
  type: 1,
  protocol: 'ethereum',
  metadata: {},
  addresses: [],
  labels: [],
  uniqueKey: '',
  timestamp: '2026-01-01T00:00:00.000Z',
  ...more,
})

test('behavior: findings keep what they say, in Tocsin’s words', () => {
  expect(
    mapFindings([
      {
        txHash: TX,
        finding: finding({
          metadata: { count: 5, list: [1], text: 'x' },
          addresses: [`0x${'A'.repeat(40)}`, 'nobody', `0x${'a'.repeat(40)}`],
          labels: [
            { entity: 'e', entityType: 2, label: 'l', confidence: 0.5, metadata: { a: 'b' } },
          ],
          uniqueKey: 'k',
        }),
      },
    ]),
  ).toEqual([
    {
      alertId: 'A',
      name: 'N',
      description: 'D',
      severity: 'High',
      type: 'Exploit',
      protocol: 'ethereum',
      metadata: {
        count: '5',
        list: '[1]',
        text: 'x',
        'forta.labels': JSON.stringify([
          {
            entity: 'e',
            label: 'l',
            confidence: 0.5,
            entityType: 'Transaction',
            remove: false,
            metadata: { a: 'b' },
          },
        ]),
      },
      addresses: [`0x${'a'.repeat(40)}`],
      labels: [{ entity: 'e', label: 'l', confidence: 0.5 }],
      txHash: TX,
      uniqueKey: 'k',
    },
  ])
})

test('behavior: the same block gives the same identities, whatever the clock says', () => {
  const keys = (at: string): readonly string[] =>
    mapFindings([
      { txHash: TX, finding: finding({ timestamp: at }) },
      { txHash: TX, finding: finding({ timestamp: at }) },
      { txHash: TX, finding: finding({ timestamp: at, description: 'other' }) },
      { txHash: undefined, finding: finding({ timestamp: at, uniqueKey: 'own' }) },
    ]).map(({ uniqueKey }) => uniqueKey)
  expect(keys('2026-01-01')).toEqual(keys('2027-01-01'))
  expect(new Set(keys('2026-01-01')).size).toBe(4)
})

test('behavior: what a bot leaves out or words otherwise ends nothing', () => {
  expect(
    mapFindings([
      { txHash: undefined, finding: { alertId: 7, severity: 0, type: 'exploit' } },
      {
        txHash: undefined,
        finding: { severity: 'CRITICAL', type: 99, labels: 'none', metadata: null },
      },
      { txHash: undefined, finding: 'no finding' as never },
    ]),
  ).toMatchObject([
    { alertId: '7', severity: 'Info', type: 'Exploit' },
    { alertId: 'UNNAMED', severity: 'Critical', type: 'Unknown', labels: [], metadata: {} },
  ])
})
