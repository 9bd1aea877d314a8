import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { ConfigError, loadConfig } from './index.ts'
import type { LoadConfigOptions } from './loadConfig.ts'

const folder = mkdtempSync(join(tmpdir(), 'tocsin-oncall-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const watchlist = (onCall: string): string => `version: 1
name: test
chains:
  local: { id: 31337, rpc: [{ http: http://127.0.0.1:8545 }] }
watch:
  - { kind: token, name: usd, chain: local, address: 0x00000000000000000000000000000000000000aa }
channels:
  chat: { kind: discord, url: { env: HOOK } }
  sms: { kind: twilio, accountSid: AC${'0'.repeat(32)}, authToken: { env: T }, from: "+15005550006", to: ["+15005550001"] }
routes: [{ channels: [chat] }]
onCall:
${onCall}`
const load = (text: string, options: Partial<LoadConfigOptions> = {}) => {
  const file = join(folder, 'watchlist.yaml')
  writeFileSync(file, text)
  return loadConfig({ file, secrets: 'none', environment: {}, ...options })
}
const faultsOf = async (onCall: string): Promise<readonly string[]> => {
  const error = await load(watchlist(onCall)).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  return error instanceof ConfigError
    ? error.faults.map(({ path, problem }) => `${path}: ${problem}`)
    : []
}

const whole = `  people:
    ada: { contacts: [chat, { channel: sms, to: "+15550001" }] }
    bo: { contacts: [chat] }
  rotations:
    week: { people: [ada, bo], zone: Europe/Berlin }
  teams:
    on-chain: { primary: week, lead: [bo] }
  tickets:
    jira: { url: https://example.atlassian.net, user: a@b.example, token: { env: JIRA }, project: OPS }
`

test('behavior: a small section has the defaults of a calm team', async () => {
  const { onCall } = await load(watchlist(whole))
  expect(onCall).toMatchObject({
    stepMinutes: 5,
    repeat: 3,
    page: ['SEV1', 'SEV2'],
    anyHour: ['SEV1'],
    maxPagesPerShift: 5,
    people: { ada: { role: 'responder' } },
    rotations: { week: { handOver: { day: 'monday', time: '09:00' }, everyWeeks: 1 } },
    tickets: { severity: ['SEV4'], jira: { url: 'https://example.atlassian.net', token: '' } },
  })
})

test('behavior: the token of Jira is for the process with the channels alone', async () => {
  const environment = { JIRA: 'jira-token', HOOK: 'https://example.org/x', T: 't' }
  const blind = await load(watchlist(whole), { environment, secrets: ['database'] })
  expect(JSON.stringify(blind)).not.toContain('jira-token')
  const seeing = await load(watchlist(whole), { environment, secrets: ['channels'] })
  expect(seeing.onCall?.tickets.jira?.token).toBe('jira-token')
})

test('error: whoever and whatever is named exists', async () => {
  const faults = await faultsOf(`  people:
    ada: { contacts: [gone, { channel: chat, to: somewhere }], accounts: { telegram: "1" } }
    bo: { accounts: { telegram: "1" } }
  rotations:
    week: { people: [ada, eve] }
  fallback: nobody
  teams:
    on-chain: { primary: weak, lead: [mallory], channel: cat }
`)
  expect(faults).toEqual([
    'onCall.people.ada.contacts[0]: there is no channel "gone"',
    'onCall.people.ada.contacts[1].channel: a channel of kind discord always goes to the same place',
    'onCall.people.bo.accounts.telegram: this account is ada’s already',
    'onCall.rotations.week.people[1]: there is no person "eve"',
    'onCall.fallback: there is no team "nobody"',
    'onCall.teams.on-chain.primary: there is no rotation "weak"',
    'onCall.teams.on-chain.lead[0]: there is no person "mallory"',
    'onCall.teams.on-chain.channel: there is no channel "cat"',
  ])
})

test('error: who is on call and has no contact', async () => {
  const faults = await faultsOf(`  people: { ada: {}, bo: { contacts: [chat] }, cy: {} }
  rotations: { week: { layers: [{ people: [bo] }, { people: [ada] }] } }
  teams: { on-chain: { primary: week, lead: [bo] } }
`)
  expect(faults).toEqual(['onCall.people.ada: nobody can page this person'])
})

test('error: a zone, a time or a day that there is not', async () => {
  const faults = await faultsOf(`  people: { ada: { zone: Europe/Atlantis } }
  rotations: { week: { people: [ada], handOver: { day: monday, time: "24:00" }, from: "2026-13-01" } }
  teams: { on-chain: { primary: week, lead: [ada] } }
`)
  expect(faults.join('\n')).toContain('onCall.people.ada.zone')
  expect(faults.join('\n')).toMatch(/rotations\.week/)
})
