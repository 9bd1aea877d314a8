import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findFreePort } from '../core/base/index.ts'
import { loadConfig } from '../core/config/index.ts'
import { decodeKeystore, loadPolicies } from '../core/response/index.ts'
import { type Anvil, startAnvil } from '../core/testing/index.ts'
import { type DemoDeployment, deployDemo, FIRST_USER } from './contracts/index.ts'
import { prepareDataDir, rememberAnvil } from './prepareDataDir.ts'
import { receiveWebhooks } from './receiveWebhooks.ts'
import { PAUSE_POLICY, writeDemoWatchlist } from './writeWatchlist.ts'

let folder: string
let anvil: Anvil
let deployment: DemoDeployment

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-demo-'))
  anvil = await startAnvil({ accounts: FIRST_USER + 2 })
  deployment = await deployDemo({ rpcUrl: anvil.url, users: 2, mine: () => anvil.rpc('evm_mine') })
})
afterAll(async () => {
  await anvil?.stop()
  if (folder) await rm(folder, { recursive: true, force: true })
})

test('behavior: the watchlist loads, its policy is valid, its keystore opens to the pauser', async () => {
  const dir = join(folder, 'watchlist')
  const { configFile, webhookSecret } = await writeDemoWatchlist(deployment, {
    dir,
    dataDir: join(folder, 'data'),
    rpcUrl: anvil.url,
    wsUrl: anvil.wsUrl,
    webhookUrl: 'http://127.0.0.1:9/tocsin',
    ports: { console: 4680, indexer: 42_069, metrics: 0 },
  })
  const config = await loadConfig({
    file: configFile,
    secrets: ['rpc', 'channels', 'signer', 'database'],
  })
  expect(config.watch.find(({ name }) => name === 'demo-vault')?.address).toBe(
    deployment.vault.address,
  )
  expect(config.channels.find(({ name }) => name === 'pager')).toMatchObject({
    secret: webhookSecret,
  })
  const [policy] = await loadPolicies(config.actionsDir)
  expect(policy).toMatchObject({ id: PAUSE_POLICY, mode: 'auto', target: deployment.vault.address })
  expect(config.answers.map(({ action }) => action)).toEqual([PAUSE_POLICY])
  const signer = config.signer
  if (signer === undefined) throw new Error('no signer')
  const key = await decodeKeystore(await readFile(signer.keystore, 'utf8'), signer.password)
  const right = deployment.actors.pauser.getHdKey().privateKey
  expect(key).toBe(`0x${Buffer.from(right ?? []).toString('hex')}`)
})

test('behavior: the receiver takes a signed message once and refuses all else', async () => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
  const receiver = await receiveWebhooks({ secret, port: await findFreePort() })
  try {
    const data = {
      change: 'opened',
      severity: 'SEV1',
      title: 'x',
      bot: 'tvl-drop',
      alertId: 'Y',
      thing: null,
      alert: 'a_1',
    }
    const body = JSON.stringify({ type: 'alert.opened', data })
    const post = async (id: string, signature: string, at: Date): Promise<number> => {
      const headers = {
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
        'webhook-signature': signature,
      }
      return (await fetch(receiver.url, { method: 'POST', body, headers })).status
    }
    const now = new Date()
    const good = new Webhook(secret).sign('m1', now, body)
    expect(await post('m1', good, now)).toBe(204)
    expect(await post('m1', good, now)).toBe(204)
    expect(await post('m2', good, now)).toBe(400)
    const other = new Webhook(`whsec_${Buffer.alloc(32, 8).toString('base64')}`)
    expect(await post('m1', other.sign('m1', now, body), now)).toBe(400)
    expect(receiver.deliveries().map(({ id, alert }) => [id, alert])).toEqual([['m1', 'a_1']])
    expect(receiver.refused()).toBe(2)
  } finally {
    await receiver.stop()
  }
})

test('behavior: a folder of an earlier demo is emptied', async () => {
  const dataDir = join(folder, 'again')
  const letGo = await prepareDataDir(dataDir)
  await writeFile(join(dataDir, 'old'), 'old')
  await letGo()
  await prepareDataDir(dataDir)
  await expect(readFile(join(dataDir, 'old'))).rejects.toThrow('ENOENT')
})

test('behavior: the chain that a killed demo left is ended, another process of that number is not', async () => {
  const dataDir = join(folder, 'killed')
  const left = await startAnvil()
  const letGo = await prepareDataDir(dataDir)
  await letGo()
  await rememberAnvil(dataDir, { pid: process.ppid, port: left.port })
  await (await prepareDataDir(dataDir))()
  expect(() => process.kill(process.ppid, 0)).not.toThrow()
  await rememberAnvil(dataDir, left)
  await prepareDataDir(dataDir)
  await expect.poll(() => left.rpc('eth_chainId').catch(() => 'gone')).toBe('gone')
  await left.stop()
})

test('error: a folder with other things in it stays as it is', async () => {
  const dataDir = await mkdtemp(join(folder, 'mine-'))
  await writeFile(join(dataDir, 'precious'), 'kept')
  await expect(prepareDataDir(dataDir)).rejects.toMatchObject({ code: 'demo.not_ours' })
  expect(await readFile(join(dataDir, 'precious'), 'utf8')).toBe('kept')
})

test('error: a folder that another demo uses is left alone', async () => {
  const dataDir = join(folder, 'used')
  await prepareDataDir(dataDir)
  // The parent of this process lives, and is another.
  await writeFile(join(dataDir, 'demo.pid'), String(process.ppid))
  await expect(prepareDataDir(dataDir)).rejects.toMatchObject({ code: 'demo.running' })
})
