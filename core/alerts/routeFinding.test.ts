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
