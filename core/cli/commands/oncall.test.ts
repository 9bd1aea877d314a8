import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { tables } from '../../store/index.ts'
import { register as registerOnCall } from './oncall.ts'
import { register as registerTickets } from './tickets.ts'

const folder = mkdtempSync(join(tmpdir(), 'oncall-'))
const before = process.env['DATABASE_URL']
let store: TestDatabase
beforeAll(async () => {
  store = await createTestDatabase()
  process.env['DATABASE_URL'] = store.url
  writeFileSync(
    join(folder, 'watchlist.yaml'),
    `version: 1
name: test
chains: { mainnet: { id: 1, rpc: [{ http: http://127.0.0.1:8545 }] } }
watch: [{ kind: token, name: usd, chain: mainnet, address: '0x21a31ee1afc51d94c2efccaa2092ad1028285549' }]
onCall:
  people: { ada: { contacts: [console] }, bo: {}, di: { contacts: [console] } }
  rotations: { week: { people: [ada], zone: Europe/Berlin } }
  teams: { on-chain: { primary: week, lead: [di] } }
`,
  )
})
afterAll(async () => {
  if (before === undefined) delete process.env['DATABASE_URL']
  else process.env['DATABASE_URL'] = before
  rmSync(folder, { recursive: true, force: true })
  await store?.drop()
})

/** What a command writes. */
const tocsin = async (...args: readonly string[]): Promise<string> => {
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined })
  registerOnCall(program)
  registerTickets(program)
  let text = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((piece) => {
    text += String(piece)
    return true
  })
  try {
    const config = join(folder, 'watchlist.yaml')
    await program.parseAsync(['node', 'tocsin', ...args, '--config', config])
  } finally {
    write.mockRestore()
  }
  return text
}

test('behavior: who is on call, an override over it, and what comes', async () => {
  expect(await tocsin('oncall', 'now')).toMatch(/on-chain +ada +nobody +di +/)
  const made = await tocsin('oncall', 'override', 'add', 'on-chain', 'bo', '--until', '+8h')
  expect(made).toContain('bo is primary of on-chain')
  const [now] = JSON.parse(await tocsin('oncall', 'now', '--json'))
  expect(now).toMatchObject({ primary: { person: 'bo' }, secondary: { person: 'ada' } })
  const schedule = await tocsin('oncall', 'schedule', '--days', '28')
  expect(schedule).toMatch(/bo +ada +override/)
  expect(schedule).toMatch(/ada +nobody/)
  expect(await tocsin('oncall', 'override', 'list')).toContain('bo')
  const id = /^(v_\w+):/.exec(made)?.[1] ?? ''
  expect(await tocsin('oncall', 'override', 'remove', id, '--by', 'ada')).toContain('taken back')
  expect(await tocsin('oncall', 'now')).toMatch(/on-chain +ada/)
  expect(await tocsin('oncall', 'handover')).toContain('0 incidents open')
  expect(await tocsin('oncall', 'show')).toBe('Nobody was paged within 28 days.\n')
  expect(await tocsin('oncall', 'handover', '--past')).toBe('There was no hand-over yet.\n')
})

test('error: a team that is not there, a moment without a zone, an override that is gone', async () => {
  await expect(tocsin('oncall', 'now', '--team', 'x')).rejects.toMatchObject({
    code: 'oncall.unknown_team',
  })
  const add = ['oncall', 'override', 'add', 'on-chain', 'bo', '--until']
  await expect(tocsin(...add, '2026-12-24T09:00')).rejects.toThrow(/09:00:00\+01:00/)
  await expect(tocsin('oncall', 'override', 'remove', 'v_1')).rejects.toMatchObject({
    code: 'oncall.unknown_override',
  })
})

test('behavior: tickets are listed and closed', async () => {
  expect(await tocsin('tickets', 'list')).toBe('No ticket waits.\n')
  await store.db.insert(tables.ticket).values({
    id: 't_1',
    key: 'k',
    team: 'on-chain',
    title: 'A fee changed',
    summary: '',
    severity: 'SEV4',
    lastAlertId: 'a',
  })
  expect(await tocsin('tickets', 'list', '--team', 'on-chain')).toContain('A fee changed')
  expect(await tocsin('tickets', 'close', 't_1')).toBe('t_1 is closed: A fee changed\n')
  expect(await tocsin('tickets', 'list')).toBe('No ticket waits.\n')
  expect(await tocsin('tickets', 'list', '--all')).toContain('closed')
})
