import type { Config } from '../../core/config/types.ts'
import { createApp } from '../../core/console/createApp.ts'
import { createHub } from '../../core/console/createHub.ts'
import { createLogger } from '../../core/telemetry/index.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'

const log = createLogger({ service: 'test', level: 'silent' })

/** A guess costs next to nothing: for tests alone. */
export const CHEAP = { memoryKiB: 8, passes: 1 }

export const SECRET = 'a-secret-of-people-that-is-long-enough'

/** A console without a server, for `app.request`, on a database of its own. */
export const createTestConsole = async (changes: Partial<Config['console']> = {}) => {
  const database: TestDatabase = await createTestDatabase()
  const config = {
    name: 'test',
    env: undefined,
    hash: 'hash',
    watch: [],
    chains: [{ id: 1, name: 'main' }],
    routes: [],
    channels: [],
    dataDir: '/nonexistent',
    actionsDir: '/nonexistent',
    people: { secret: SECRET, haltToken: '', hasSecret: true, channels: {} },
    console: { host: '127.0.0.1', port: 0, ...changes },
  } as unknown as Config
  const hub = createHub({ config: () => config, store: database, log })
  const app = createApp({
    config: () => config,
    store: database,
    hub,
    log,
    graphqlUrl: undefined,
    hosts: [],
    passwordCost: CHEAP,
  })
  const call = async (
    path: string,
    init: {
      readonly method?: string
      readonly headers?: Record<string, string>
      readonly body?: string
    } = {},
  ): Promise<Response> =>
    app.request(path, { ...init, headers: { host: 'localhost', ...init.headers } })
  return {
    app,
    config,
    database,
    call,
    stop: async () => {
      await hub.stop()
      await database.drop()
    },
  }
}

export type TestConsole = Awaited<ReturnType<typeof createTestConsole>>

/** `name=value` of the session's cookie in an answer. */
export const cookieOf = (answer: Response): string => {
  const set = answer.headers.getSetCookie().find((each) => /^(__Host-)?tocsin=/.test(each))
  return set?.split(';')[0] ?? ''
}

/** Signs somebody in; what they send from then on, with the token of their forms. */
export const signIn = async (
  { call }: Pick<TestConsole, 'call'>,
  user: string,
  password: string,
): Promise<{ readonly cookie: string; readonly csrf: string }> => {
  const answer = await call('/sign-in', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ user, password }).toString(),
  })
  const cookie = cookieOf(answer)
  const me = (await (await call('/api/v1/me', { headers: { cookie } })).json()) as { csrf: string }
  return { cookie, csrf: me.csrf }
}
