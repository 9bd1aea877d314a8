import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { chromium } from 'playwright-core'
import type { Config } from '../../core/config/index.ts'
import { startConsole } from '../../core/console/index.ts'
import { connectDatabase, migrateDatabase, startEmbeddedPostgres } from '../../core/store/index.ts'
import { createLogger } from '../../core/telemetry/index.ts'
import { playConsoleScene } from './consoleScene.ts'

// Pictures of the console for the documentation:
//   npx tsx test/support/screenshot.ts <folder> [address of a running console]
// Without an address it shows a made-up scene.

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const SHOTS = [
  { name: 'console', width: 1360, height: 1000, scheme: 'light', whole: false },
  { name: 'console-dark', width: 1360, height: 1000, scheme: 'dark', whole: false },
  { name: 'console-whole', width: 1360, height: 1000, scheme: 'light', whole: true },
  { name: 'console-phone', width: 400, height: 860, scheme: 'light', whole: true },
  { name: 'console-phone-dark', width: 400, height: 860, scheme: 'dark', whole: false },
] as const

const takeShots = async (url: string, folder: string): Promise<void> => {
  const profile = await mkdtemp(join(tmpdir(), 'tocsin-shots-'))
  const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
  try {
    for (const { name, width, height, scheme, whole } of SHOTS) {
      const context = await chromium.launchPersistentContext(join(profile, name), {
        executablePath,
        headless: true,
        args: FLAGS,
        viewport: { width, height },
        colorScheme: scheme,
      })
      try {
        const page = await context.newPage()
        const faults: string[] = []
        page.on('console', (message) => {
          if (message.type() === 'error') faults.push(message.text())
        })
        page.on('pageerror', (error) => faults.push(error.message))
        await page.goto(url)
        await page.getByText('live', { exact: true }).waitFor()
        const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
        if (typeof overflow === 'number' && overflow > 0) faults.push(`${overflow} px too wide`)
        await page.screenshot({ path: join(folder, `${name}.png`), fullPage: whole })
        console.log(`${name}.png${faults.length > 0 ? `: ${faults.join('; ')}` : ''}`)
        if (faults.length > 0) process.exitCode = 1
      } finally {
        await context.close()
      }
    }
  } finally {
    await rm(profile, { recursive: true, force: true })
  }
}

const showScene = async (folder: string): Promise<void> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'tocsin-scene-'))
  await chmod(dataDir, 0o755)
  const postgres = await startEmbeddedPostgres({ dataDir })
  const store = await connectDatabase({ url: postgres.url, name: 'scene' })
  await migrateDatabase(store)
  const config = {
    name: 'acme',
    env: 'production',
    chains: [
      { id: 1, name: 'mainnet' },
      { id: 8453, name: 'base' },
      { id: 42_161, name: 'arbitrum' },
    ],
    console: { host: '127.0.0.1', port: 0 },
  } as unknown as Config
  const scene = await playConsoleScene(store)
  const page = await startConsole({
    config,
    store,
    log: createLogger({ service: 'scene', level: 'warn' }),
  })
  try {
    await takeShots(page.url, folder)
  } finally {
    await scene.stop()
    await page.stop()
    await store.stop()
    await postgres.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

const folder = resolve(process.argv[2] ?? 'docs')
const address = process.argv[3]
if (address) await takeShots(address, folder)
else await showScene(folder)
