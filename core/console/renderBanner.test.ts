import { expect, test } from 'vitest'
import type { ChainView, Overview, ProcessView } from './overviewTypes.ts'
import { renderBanner } from './renderBanner.ts'

const chain = (state: ChainView['state']): ChainView => ({
  chainId: 1,
  name: 'mainnet',
  state,
  reason: '',
  processed: 1,
  head: 1,
  finalized: 1,
  lag: 0,
  updatedAt: null,
  latenciesMs: [],
  medianLatencyMs: null,
  endpoints: [],
  crossCheck: null,
})
const process = (name: string, state: ProcessView['state']): ProcessView => ({
  name,
  state,
  pid: 1,
  reason: '',
  restarts: 0,
  startedAt: new Date(0),
  heartbeatAt: new Date(0),
  rssBytes: null,
  configHash: null,
})
const overview = (changes: Partial<Overview>): Overview => ({
  at: new Date(0),
  names: new Map(),
  verdict: 'ok',
  reasons: [],
  counts: { SEV1: 0, SEV2: 0, SEV3: 0, SEV4: 0 },
  processes: [process('watcher', 'ok'), process('notifier', 'ok')],
  chains: [chain('ok')],
  alerts: [],
  closedAlerts: [],
  incidents: [],
  findings: [],
  executions: [],
  waiting: [],
  configChanges: [],
  channels: {},
  failingBots: [],
  ...changes,
})
const none = { SEV1: 0, SEV2: 0, SEV3: 0, SEV4: 0 }
const reasons = ['Chain mainnet is stalled.']

const cases: readonly (readonly [string, Partial<Overview>, string, RegExp])[] = [
  [
    'all is watched and nothing is open',
    {},
    'ok',
    /Everything is being watched, and nothing is open\./,
  ],
  [
    'something mild is open',
    { counts: { ...none, SEV3: 2 } },
    'ok',
    /nothing grave is open.*2 SEV3 alerts are open/s,
  ],
  [
    'a SEV1 is open',
    { counts: { ...none, SEV1: 1 } },
    'bad',
    /href="#incidents">1 SEV1 alert is open/,
  ],
  [
    'a SEV2 is open',
    { counts: { ...none, SEV2: 3 } },
    'warn',
    /href="#incidents">3 SEV2 alerts are open/,
  ],
  [
    'both are open and a bot fails',
    { counts: { ...none, SEV1: 1, SEV2: 1 }, reasons },
    'bad',
    /1 SEV1 and 1 SEV2 alerts are open<\/a>, and the watch itself is impaired.*stalled/s,
  ],
  ['a bot fails', { reasons: ['Bot tvl-drop fails.'] }, 'warn', /The watch is impaired.*tvl-drop/s],
  [
    'a chain is stalled',
    { reasons, chains: [chain('stalled')] },
    'bad',
    /Not everything is being watched.*stalled/s,
  ],
  [
    'nobody knows of a chain',
    { reasons, chains: [chain('unknown')] },
    'bad',
    /Not everything is being watched/,
  ],
  [
    'the watcher is lost',
    { reasons, processes: [process('watcher', 'lost')] },
    'bad',
    /Not everything/,
  ],
  [
    'a SEV2 is open and the notifier is lost',
    { reasons, counts: { ...none, SEV2: 1 }, processes: [process('notifier', 'lost')] },
    'bad',
    /1 SEV2 alert is open/,
  ],
  ['no process has reported', { reasons, processes: [] }, 'bad', /Not everything/],
]

test.each(cases)('behavior: when %s the banner says so', (_, changes, tone, words) => {
  const { markup } = renderBanner(overview(changes))
  expect(markup).toContain(`class="banner ${tone}"`)
  expect(markup).toMatch(words)
  expect(markup.includes('Everything is being watched')).toBe(tone === 'ok')
})
