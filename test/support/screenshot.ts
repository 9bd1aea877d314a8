import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { createToken } from '../../core/console/auth/tokens.ts'
import { addUser } from '../../core/console/auth/users.ts'
import { startConsole } from '../../core/console/index.ts'
import { createPeopleSecret, type PeopleSecret } from '../../core/response/index.ts'
import {
  connectDatabase,
  migrateDatabase,
  type Store,
  startEmbeddedPostgres,
} from '../../core/store/index.ts'
import { createLogger } from '../../core/telemetry/index.ts'
import { listBarriers, listFaults, overflowOf, signIn, withChromium } from './chromium.ts'
import { playPagesScene } from './pagesScene.ts'

// Pictures of the console for the documentation:
//   npx tsx test/support/screenshot.ts <folder> [address of a running console without sign-in]
// Without an address it shows a made-up scene, each page of it, and says what axe-core finds wrong.

const PASSWORD = 'a bell that nobody can miss'

type Shot = {
  readonly name: string
  readonly path: string
  readonly width: number
  readonly height: number
  readonly scheme: 'light' | 'dark'
}

const wide = { width: 1360, height: 1000 }
const phone = { width: 390, height: 844 }

const OVERVIEW: readonly Shot[] = [
  { name: 'console', path: '/', ...wide, scheme: 'light' },
  { name: 'console-dark', path: '/', ...wide, scheme: 'dark' },
  { name: 'console-phone', path: '/', ...phone, scheme: 'light' },
]

const pagesOf = (incident: string): readonly Shot[] => {
  const paths: readonly (readonly [string, string])[] = [
    ['incident', `/incidents/${incident}`],
    ['incidents', '/incidents'],
    ['alerts', '/alerts?status=all'],
    ['findings', '/findings'],
    ['finding', '/findings/f03'],
    ['actions', '/actions'],
    ['action', '/actions/e2'],
    ['audit', '/audit'],
    ['bots', '/bots'],
    ['watchlist', '/watchlist'],
    ['silences', '/silences'],
    ['on-call', '/on-call'],
    ['deliveries', '/deliveries'],
    ['query', '/query'],
    ['users', '/users'],
    ['account', '/account'],
  ]
  return [
    ...paths.map(([name, path]) => ({
      name: `img/console-${name}`,
      path,
      ...wide,
      scheme: 'light' as const,
    })),
    { name: 'img/console-incident-dark', path: `/incidents/${incident}`, ...wide, scheme: 'dark' },
    { name: 'img/console-findings-dark', path: '/findings', ...wide, scheme: 'dark' },
    {
      name: 'img/console-incident-phone',
      path: `/incidents/${incident}`,
      ...phone,
      scheme: 'light',
    },
    { name: 'img/console-findings-phone', path: '/findings', ...phone, scheme: 'dark' },
    { name: 'img/console-actions-phone', path: '/actions', ...phone, scheme: 'dark' },
  ]
}

const take = async (page: Page, url: string, folder: string, shot: Shot): Promise<void> => {
  const faults = listFaults(page)
  await page.setViewportSize({ width: shot.width, height: shot.height })
  await page.emulateMedia({ colorScheme: shot.scheme })
  await page.goto(url + shot.path)
  if (!/\/(query|users|account)$/.test(shot.path))
    await page.getByText('live', { exact: true }).waitFor()
  const overflow = await overflowOf(page)
  if (overflow > 0) faults.push(`${overflow} px too wide`)
  await page.screenshot({ path: join(folder, `${shot.name}.png`) })
  if (!/\/query$/.test(shot.path)) faults.push(...(await listBarriers(page)))
  console.log(`${shot.name}.png${faults.length > 0 ? `\n  ${faults.join('\n  ')}` : ''}`)
  if (faults.length > 0) process.exitCode = 1
}

const takeAll = (
  url: string,
  folder: string,
  shots: readonly Shot[],
  user?: string,
): Promise<void> =>
  withChromium({}, async (context) => {
    if (user) {
      const page = await context.newPage()
      await signIn(page, url, user, PASSWORD)
      await page.close()
    }
    for (const shot of shots) {
      const page = await context.newPage()
      await take(page, url, folder, shot)
      await page.close()
    }
  })

/** Others who may sign in, and programs that hold a token. */
const addCrew = async (store: Store, secret: PeopleSecret): Promise<void> => {
  const cost = { memoryKiB: 8, passes: 1 }
  const book = { db: store.db, secret }
  for (const [name, role, approver] of [
    ['grace', 'approver', 'Grace'],
    ['lin', 'responder', undefined],
    ['edsger', 'approver', 'Edsger'],
    ['auditors', 'viewer', undefined],
  ] as const)
    await addUser(book, { name, role, approver, password: PASSWORD, cost })
  for (const [name, scopes] of [
    ['grafana', ['read']],
    ['war-room bot', ['read', 'acknowledge']],
  ] as const)
    await createToken(store.db, { name, scopes, days: 90, perMinute: 120, by: 'ada' })
}

const showScene = async (folder: string, only: string | undefined): Promise<void> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'tocsin-scene-'))
  await chmod(dataDir, 0o755)
  const postgres = await startEmbeddedPostgres({ dataDir })
  const store = await connectDatabase({ url: postgres.url, name: 'scene' })
  await migrateDatabase(store)
  const { config, beat } = await playPagesScene(store, dataDir)
  const secret = createPeopleSecret(config.people?.secret ?? '')
  await addUser(
    { db: store.db, secret },
    { name: 'ada', role: 'admin', password: PASSWORD, approver: 'Ada' },
  )
  await addCrew(store, secret)
  const { rows } = await store.pool.query<{ id: string }>(
    "select id from tocsin.incident where subject = 'acme'",
  )
  const log = createLogger({ service: 'scene', level: 'warn' })
  const page = await startConsole({ config, store, log })
  try {
    const shots = [...OVERVIEW, ...pagesOf(rows[0]?.id ?? '')]
    await takeAll(
      page.url,
      folder,
      only ? shots.filter(({ name }) => name.includes(only)) : shots,
      'ada',
    )
  } finally {
    await beat.stop()
    await page.stop()
    await store.stop()
    await postgres.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

const folder = resolve(process.argv[2] ?? 'docs')
const address = process.argv[3]
await mkdir(join(folder, 'img'), { recursive: true })
if (address?.startsWith('http')) await takeAll(address, folder, OVERVIEW)
else await showScene(folder, address)
