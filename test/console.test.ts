import { randomBytes } from 'node:crypto'
import { eq } from 'drizzle-orm'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findFreePort } from '../core/base/index.ts'
import { addUser } from '../core/console/auth/users.ts'
import { createPeopleSecret } from '../core/response/index.ts'
import { tables } from '../core/store/index.ts'
import { askForPause } from './support/askForPause.ts'
import { listBarriers, listFaults, overflowOf, signIn, withChromium } from './support/chromium.ts'
import { type Stack, startStack } from './support/stack.ts'

/*
 * The console as people use it, in Chromium, in front of a real signer, notifier and chain. What a watcher would write,
 * the test writes.
 */
const PASSWORD = 'a bell that nobody can miss'
const SECRET = randomBytes(32).toString('hex')
const LIMIT_MS = 40_000
const HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=1</script>\u202Eevil'

let stack: Stack
let url: string

beforeAll(async () => {
  process.env['TOCSIN_TEST_PEOPLE'] = SECRET
  const port = await findFreePort()
  url = `http://127.0.0.1:${port}`
  stack = await startStack({
    only: ['signer', 'notifier', 'console'],
    users: 1,
    watchlist: (text) =>
      `${text
        .replace('console: { port: 0 }', `console: { port: ${port} }`)
        .replace('  mode: auto\n', '  mode: auto\n  approvers: [{ name: Ada }]\n')}people:
  secret: { env: TOCSIN_TEST_PEOPLE }
`,
    policy: (text) =>
      text.replace('mode: auto', 'mode: propose').replace('confirmations: 3', 'confirmations: 1'),
  })
  const book = { db: stack.store.db, secret: createPeopleSecret(SECRET) }
  const cost = { memoryKiB: 8, passes: 1 }
  await addUser(book, { name: 'ada', role: 'approver', password: PASSWORD, approver: 'Ada', cost })
  await addUser(book, { name: 'vera', role: 'viewer', password: PASSWORD, cost })
}, 180_000)
afterAll(async () => {
  await stack?.stop()
  delete process.env['TOCSIN_TEST_PEOPLE']
})

const incidentOf = async (title: string): Promise<string> => {
  let id: string | null | undefined
  await expect
    .poll(
      async () => {
        const rows = await stack.store.db
          .select({ id: tables.alert.incidentId })
          .from(tables.alert)
          .where(eq(tables.alert.title, title))
        id = rows[0]?.id
        return id
      },
      { timeout: LIMIT_MS },
    )
    .toBeTruthy()
  return id ?? ''
}

const isPaused = async (): Promise<boolean> => {
  const call = { to: stack.deployment.vault.address, data: '0x5c975abb' }
  return BigInt(await stack.anvil.rpc<string>('eth_call', [call, 'latest'])) === 1n
}

const forbidden = (page: Page, path: string): Promise<unknown> =>
  page.evaluate(`fetch('${path}', { method: 'POST' }).then(({ status }) => status)`)

test('behavior: a live incident arrives, is taken, its pause approved and seen to land, and the night is exported', async () => {
  await withChromium({}, async (context) => {
    const page = await context.newPage()
    const faults = listFaults(page)
    await signIn(page, url, 'ada', PASSWORD)
    await page.getByText('live', { exact: true }).waitFor()
    const execution = await askForPause(stack, 'console')
    await page.locator('#incidents').getByText('TVL fell').first().waitFor({ timeout: LIMIT_MS })
    const incident = await incidentOf('TVL fell')

    await page.goto(`${url}/incidents/${incident}`)
    await page.keyboard.press('a')
    await page.keyboard.press('Enter')
    await page.getByText(/ada has incident/).waitFor()
    expect(await page.getByText('in hand of').textContent()).toContain('ada')

    await page.getByRole('button', { name: 'Approve' }).waitFor({ timeout: LIMIT_MS })
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByText(/Approved: the signer verifies/).waitFor()
    expect(page.url()).toContain(`/actions/${execution}`)
    const landed = page.locator('[data-part=status]').getByText('succeeded')
    for (let tries = 0; tries < 80 && !(await landed.isVisible()); tries++) {
      await stack.anvil.rpc('evm_mine')
      await page.waitForTimeout(300)
    }
    expect(await isPaused()).toBe(true)
    await landed.waitFor({ timeout: LIMIT_MS })

    await page.goto(`${url}/incidents/${incident}`)
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Post-mortem' }).click(),
    ])
    expect(download.suggestedFilename()).toBe(`postmortem-${incident}.md`)
    expect(faults).toEqual([])
  })
})

test('behavior: a viewer sees the proposal but cannot approve, acknowledge or silence', async () => {
  const incident = await incidentOf('TVL fell')
  await withChromium({}, async (context) => {
    const page = await context.newPage()
    await signIn(page, url, 'vera', PASSWORD)
    await page.goto(`${url}/incidents/${incident}`)
    expect(
      await page.getByRole('button', { name: /Acknowledge|Approve|Deny|Resolve/ }).count(),
    ).toBe(0)
    for (const path of ['/actions/x/approve', `/incidents/${incident}/acknowledge`, '/silences'])
      expect(await forbidden(page, path)).toBe(403)
  })
})

test('behavior: names that strangers chose do not run, and every page is fit for everybody, by day and night', async () => {
  const { db } = stack.store
  await db
    .update(tables.finding)
    .set({ name: HOSTILE, description: `${HOSTILE} moved.`, metadata: { symbol: HOSTILE } })
    .where(eq(tables.finding.name, 'TVL fell'))
  const [finding] = await db.select().from(tables.finding).where(eq(tables.finding.name, HOSTILE))
  const incident = await incidentOf('TVL fell')
  const paths = [
    '/',
    '/incidents',
    `/incidents/${incident}`,
    '/alerts',
    '/findings',
    `/findings/${finding?.id}`,
    '/actions',
    '/audit',
    '/bots',
    '/watchlist',
    '/silences',
    '/on-call',
    '/deliveries',
    '/query',
  ]
  await withChromium({ width: 390, height: 844 }, async (context) => {
    const page = await context.newPage()
    const faults = listFaults(page)
    await signIn(page, url, 'ada', PASSWORD)
    for (const [index, path] of paths.entries()) {
      await page.emulateMedia({ colorScheme: index % 2 === 0 ? 'light' : 'dark' })
      const answer = await page.goto(url + path)
      expect([path, answer?.status()]).toEqual([path, 200])
      expect([path, await listBarriers(page)]).toEqual([path, []])
      expect([path, await overflowOf(page)]).toEqual([path, 0])
      expect(await page.title()).not.toBe('1')
    }
    // Without an indexer the query page says so, and the browser notes the answer.
    expect(faults.filter((fault) => !/503|502/.test(fault))).toEqual([])
  })
})
