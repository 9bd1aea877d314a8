import { expect, test } from 'vitest'
import { routeFinding } from './routeFinding.ts'
import { routingConfig } from './testSupport.ts'

const config = {
  ...routingConfig(),
  channels: [
    { kind: 'console' as const, name: 'console' },
    { kind: 'console' as const, name: 'ops' },
  ],
  routes: [{ match: {}, channels: ['console'], continue: false }],
}
const facts = { severity: 'Info', owner: null, alertId: 'EXECUTION-SUCCEEDED', thing: null }
const metadata = { channels: 'ops,console,unknown' }

test('behavior: a finding about Tocsin itself is heard by the channels that it names too, each once', () => {
  expect(routeFinding(config, { ...facts, botId: 'tocsin', metadata }).channels).toEqual([
    'console',
    'ops',
  ])
})

test('behavior: what a bot says names no channels', () => {
  expect(routeFinding(config, { ...facts, botId: 'tvl-drop', metadata }).channels).toEqual([
    'console',
  ])
})

test('behavior: a pager that a route names is not woken by a warning, whoever names it', () => {
  const pager = {
    kind: 'pagerduty' as const,
    name: 'pager',
    minSeverity: 'SEV2' as const,
    routingKey: '',
    url: '',
    perMinute: 120,
    timeoutMs: 1_000,
  }
  const paged = {
    ...config,
    channels: [...config.channels, pager],
    routes: [{ match: {}, channels: ['pager', 'ops'], continue: false }],
  }
  const to = (severity: string, more = {}) =>
    routeFinding(paged, { ...facts, botId: 'b', severity, ...more }).channels
  expect(to('Critical')).toEqual(['pager', 'ops'])
  expect(to('High')).toEqual(['pager', 'ops'])
  expect(to('Medium')).toEqual(['ops'])
  expect(to('Info', { botId: 'tocsin', metadata: { channels: 'pager' } })).toEqual(['ops'])
  const alone = { ...paged, routes: [{ match: {}, channels: ['pager'], continue: false }] }
  expect(routeFinding(alone, { ...facts, botId: 'b', severity: 'Medium' }).channels).toEqual([
    'console',
    'ops',
  ])
})
