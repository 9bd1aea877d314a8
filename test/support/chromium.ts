import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export type Look = {
  readonly width?: number
  readonly height?: number
  readonly scheme?: 'light' | 'dark'
}

/** Debian's Chromium with a fresh profile, for as long as the work lasts. */
export const withChromium = async <T>(
  look: Look,
  work: (context: BrowserContext) => Promise<T>,
): Promise<T> => {
  const profile = await mkdtemp(join(tmpdir(), 'tocsin-chromium-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    headless: true,
    args: FLAGS,
    viewport: { width: look.width ?? 1360, height: look.height ?? 1000 },
    colorScheme: look.scheme ?? 'light',
    bypassCSP: false,
  })
  try {
    return await work(context)
  } finally {
    await context.close()
    await rm(profile, { recursive: true, force: true })
  }
}

/** Whatever a page complains of: script errors, refused content, failed loads. */
export const listFaults = (page: Page): string[] => {
  const faults: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text())
  })
  page.on('pageerror', (error) => faults.push(error.message))
  return faults
}

export const signIn = async (page: Page, url: string, name: string, password: string) => {
  await page.goto(`${url}/sign-in`)
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page
    .waitForURL((to) => !to.pathname.startsWith('/sign-in'), { timeout: 15_000 })
    .catch(async () => {
      throw new Error(`not signed in: ${await page.locator('main').textContent()}`)
    })
}

let source: string | undefined

/** Serious and critical findings of axe-core, as `rule: element`. It runs in the page by the debugger, past its policy. */
export const listBarriers = async (page: Page): Promise<readonly string[]> => {
  source ??= await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  await page.evaluate(source)
  const found: unknown = await page.evaluate(
    `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) => nodes.slice(0, 4).map(({ html }) => id + ': ' + html.slice(0, 160))))`,
  )
  return Array.isArray(found) ? found.map(String) : []
}

/** How many pixels a page is wider than its window. */
export const overflowOf = async (page: Page): Promise<number> =>
  Number(await page.evaluate('document.documentElement.scrollWidth - innerWidth'))
