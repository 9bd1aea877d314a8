import { createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { findFreePort } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import { preflight } from './preflight.ts'
import { PROCESS_NAMES } from './supervisor.ts'

const open: { close: () => void }[] = []
afterEach(() => {
  for (const server of open.splice(0)) server.close()
})

const check = (basePort: number, consolePort = 0): Promise<void> =>
  preflight({
    // Only what a look at ports needs.
    config: {
      metrics: { host: '127.0.0.1', basePort },
      console: { host: '127.0.0.1', port: consolePort },
      indexer: { host: '127.0.0.1', port: 0 },
      actionsDir: '/nowhere',
    } as unknown as Config,
    names: ['watcher', 'console'],
    all: PROCESS_NAMES,
    asksChains: false,
    onWarning: () => undefined,
  })

test("error: the supervisor's own metrics port is looked at before anything starts", async () => {
  const base = await findFreePort(PROCESS_NAMES.length + 1)
  await expect(check(base)).resolves.toBeUndefined()
  const taken = base + PROCESS_NAMES.length
  await new Promise<void>((resolve) => {
    open.push(createServer().listen(taken, '127.0.0.1', resolve))
  })
  await expect(check(base)).rejects.toMatchObject({
    code: 'port.in_use',
    message: expect.stringContaining('the metrics of the supervisor'),
  })
  await expect(check(0)).resolves.toBeUndefined()
})

test('error: a port that is wanted twice is refused by name', async () => {
  const base = await findFreePort(PROCESS_NAMES.length + 1)
  await expect(check(base, base + PROCESS_NAMES.length)).rejects.toMatchObject({
    code: 'config.same_port',
    message: expect.stringContaining('the supervisor'),
  })
})
