import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  jsonOf,
  startVendor,
  type Vendor,
  type VendorServer,
} from '../../test/support/channels/vendorServer.ts'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { tables } from '../store/index.ts'
import { sendIssues } from './jiraIssues.ts'

type Issue = { readonly key: string; readonly labels: readonly string[]; readonly fields: unknown }

let store: TestDatabase
let server: VendorServer
const issues: Issue[] = []
/** Whether the next issue is made and its answer lost. */
let isLossy = false

/** Jira's REST API, version 3: issues with the fields that a project asks for, and a search by label. */
const jira: Vendor = (request) => {
  if (
    request.headers.authorization !== `Basic ${Buffer.from('bot@example.org:t').toString('base64')}`
  )
    return { status: 401 }
  if (request.method === 'GET' && request.url.pathname === '/rest/api/3/search/jql') {
    const label = /^labels = "([^"]+)"$/.exec(request.url.searchParams.get('jql') ?? '')?.[1]
    if (label === undefined) return { status: 400, body: { errorMessages: ['bad jql'] } }
    return { status: 200, body: { issues: issues.filter(({ labels }) => labels.includes(label)) } }
  }
  if (request.method !== 'POST' || request.url.pathname !== '/rest/api/3/issue')
    return { status: 404 }
  const fields = jsonOf(request)?.['fields'] as
    | {
        project?: { key?: string }
        summary?: string
        labels?: string[]
        description?: { type?: string }
      }
    | undefined
  const isWhole =
    fields?.project?.key === 'OPS' &&
    typeof fields.summary === 'string' &&
    fields.summary.length <= 255 &&
    fields.description?.type === 'doc' &&
    (fields.labels ?? []).every((label) => !/\s/.test(label))
  if (!isWhole) return { status: 400, body: { errors: {} } }
  const issue = { key: `OPS-${issues.length + 1}`, labels: fields.labels ?? [], fields }
  issues.push(issue)
  if (isLossy) {
    isLossy = false
    return { status: 502 }
  }
  return { status: 201, body: { id: '1', key: issue.key } }
}

beforeAll(async () => {
  store = await createTestDatabase()
  server = await startVendor(jira, { kind: 'accept' })
})
afterAll(async () => {
  await server?.stop()
  await store?.drop()
})
beforeEach(async () => {
  issues.length = 0
  isLossy = false
  await store.pool.query('truncate tocsin.ticket')
})

const settings = (token = 't') => ({
  url: server.url,
  user: 'bot@example.org',
  token,
  project: 'OPS',
  issueType: 'Task',
})
const open = (id: string) =>
  store.db.insert(tables.ticket).values({
    id,
    key: id,
    team: 'on-chain',
    title: 'A fee changed <script>',
    summary: 'From 1 % to 2 %.',
    severity: 'SEV4',
    lastAlertId: 'a',
  })
const readTicket = async (id: string) =>
  (await store.db.select().from(tables.ticket)).find((row) => row.id === id)
const makeDue = () => store.pool.query('update tocsin.ticket set issue_due_at = now()')

test('behavior: each open ticket becomes one issue, also when two processes file at once', async () => {
  await open('t_1')
  await open('t_2')
  await Promise.all([sendIssues(store.db, settings()), sendIssues(store.db, settings())])
  expect(issues).toHaveLength(2)
  expect((await readTicket('t_1'))?.issue).toMatch(/^OPS-\d$/)
  await makeDue()
  expect(await sendIssues(store.db, settings())).toBe(0)
})

test('behavior: an issue whose answer was lost is found again and not made twice', async () => {
  await open('t_1')
  isLossy = true
  expect(await sendIssues(store.db, settings())).toBe(0)
  expect((await readTicket('t_1'))?.issueError).toBe('Jira answered 502')
  await makeDue()
  expect(await sendIssues(store.db, settings())).toBe(1)
  expect(issues).toHaveLength(1)
  expect(await readTicket('t_1')).toMatchObject({ issue: 'OPS-1', issueError: null })
})

test('error: what Jira refuses waits, says why, and holds no secret', async () => {
  await open('t_1')
  await sendIssues(store.db, settings('wrong-token'))
  const row = await readTicket('t_1')
  expect(row?.issueError).toBe('Jira answered 401')
  expect(+(row?.issueDueAt ?? 0)).toBeGreaterThan(Date.now())
  expect(JSON.stringify(row)).not.toContain('wrong-token')
})
