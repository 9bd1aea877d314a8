import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPagerduty, ROUTING_KEY } from '../../../test/support/channels/pagers.ts'
import { startVendor, type VendorServer } from '../../../test/support/channels/vendorServer.ts'
import { programArgs } from '../../../test/support/program.ts'

const folder = mkdtempSync(join(tmpdir(), 'channels-'))
const { vendor, incidents } = createPagerduty()
let server: VendorServer
beforeAll(async () => {
  server = await startVendor(vendor, { kind: 'accept' })
  writeFileSync(
    join(folder, 'watchlist.yaml'),
    `version: 1
name: test
chains: { mainnet: { id: 1, rpc: [{ http: http://127.0.0.1:8545 }] } }
watch: [{ kind: token, name: usd, chain: mainnet, address: '0x21a31ee1afc51d94c2efccaa2092ad1028285549' }]
channels:
  pager: { kind: pagerduty, routingKey: { env: KEY }, url: '${server.url}' }
  chat: { kind: slack-webhook, url: { env: CHAT } }
routes: [{ name: all, channels: [pager] }]
`,
  )
})
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await server?.stop()
})

const tocsin = async (
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly stdout: string }> =>
  promisify(execFile)(
    'node',
    [...programArgs('core/cli/main'), 'channels', ...args, '--json'].concat([
      '--config',
      join(folder, 'watchlist.yaml'),
    ]),
    {
      env: { ...process.env, KEY: ROUTING_KEY, CHAT: 'http://127.0.0.1:2/T0KEN' },
      timeout: 60_000,
    },
  ).then(
    ({ stdout }) => ({ code: 0, stdout }),
    (error: { readonly code: number; readonly stdout: string }) => ({
      code: error.code,
      stdout: error.stdout,
    }),
  )

test('behavior: the list says what each channel hears of; a pager is not woken by less than SEV2', async () => {
  const { code, stdout } = await tocsin('list')
  expect([code, JSON.parse(stdout)]).toEqual([
    0,
    [
      { name: 'pager', kind: 'pagerduty', hears: 'all: SEV1, SEV2' },
      {
        name: 'chat',
        kind: 'slack-webhook',
        hears: 'what comes to no other channel, when SEV1 or SEV2',
      },
    ],
  ])
})

test('behavior: a test message arrives and leaves nothing open; a channel that is away is told, without its secret', async () => {
  const { code, stdout } = await tocsin('test', '--all', '--severity', 'SEV2')
  expect([code, JSON.parse(stdout)]).toMatchObject([
    1,
    [
      { channel: 'pager', result: { kind: 'sent' } },
      { channel: 'chat', result: { kind: 'retry', reason: 'no connection (ECONNREFUSED)' } },
    ],
  ])
  expect(stdout).not.toMatch(/T0KEN|R0UT1NG/)
  expect(incidents).toMatchObject([{ severity: 'error', open: false }])
})

test('error: a channel that there is not', async () => {
  expect((await tocsin('test', 'nope')).code).toBe(2)
})
