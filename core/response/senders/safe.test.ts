import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type ActionStage,
  type Artifact,
  createActionStage,
} from '../../../test/support/actionScene.ts'
import {
  type SafeServiceStandin,
  startSafeServiceStandin,
} from '../../../test/support/safeServiceStandin.ts'
import type { Address, Hex } from '../../base/index.ts'
import { createSignerKey } from '../signerKey.ts'
import { createSignerRpc } from '../signerRpc.ts'
import { createSafeSender } from './safe.ts'

/** Third account of the well-known test mnemonic. */
const KEY: Hex = '0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a'
const ZERO: Address = `0x${'00'.repeat(20)}`
const PAUSE: Hex = '0x8456cb59'
const require = createRequire(import.meta.url)
const ofSafe = async (path: string): Promise<Artifact> =>
  JSON.parse(
    await readFile(
      require.resolve(`@safe-global/safe-smart-account/build/artifacts/contracts/${path}`),
      'utf8',
    ),
  ) as Artifact

let stage: ActionStage
let service: SafeServiceStandin
beforeAll(async () => {
  stage = await createActionStage()
  service = await startSafeServiceStandin()
}, 240_000)
afterAll(async () => {
  await service?.stop()
  await stage?.stop()
})

test('default: what is proposed is what the Safe itself would have signed, and its owners can execute it', async () => {
  const { anvil, deploy, at } = stage
  const key = createSignerKey(KEY)
  const safeCode = await ofSafe('Safe.sol/Safe.json')
  const singleton = await deploy(safeCode)
  const factory = await deploy(await ofSafe('proxies/SafeProxyFactory.sol/SafeProxyFactory.json'))
  const setup = singleton.data('setup', [[key.address], 1n, ZERO, '0x', ZERO, ZERO, 0n, ZERO])
  const created = await factory.read('createProxyWithNonce', singleton.address, setup, 7n)
  await factory.write('createProxyWithNonce', singleton.address, setup, 7n)
  const safe = at(safeCode.abi, String(created).toLowerCase() as Address)
  const vault = await deploy('OwnedVault', safe.address)

  const rpc = createSignerRpc({ chainId: anvil.chainId, urls: [anvil.url] })
  const sender = createSafeSender(
    {
      name: 'council',
      type: 'safe',
      chain: 'local',
      url: service.url,
      apiKey: '',
      safe: safe.address,
    },
    { rpc, key },
  )
  expect(await sender.account()).toBe(safe.address)
  expect(await sender.probe()).toMatchObject([{ ok: true }])
  const call = {
    chainId: anvil.chainId,
    to: vault.address,
    data: PAUSE,
    gasLimit: 200_000n,
    maxFeePerGas: 1n,
    maxPriorityFeePerGas: 1n,
    validUntil: new Date(Date.now() + 600_000),
    note: 'pause-vault x_1',
  }
  const answer = await sender.submit(call)
  if (answer.outcome !== 'accepted') throw new Error(answer.message)
  const { id } = answer.transaction
  const [proposal] = service.proposals
  if (!proposal) throw new Error('nothing was proposed')
  const rest = [0n, PAUSE, 0, 0n, 0n, 0n, ZERO, ZERO] as const
  expect(await safe.read('getTransactionHash', vault.address, ...rest, 0n)).toBe(id)
  expect(proposal.contractTransactionHash).toBe(id)
  expect(await sender.list(call, new Date(Date.now() - 60_000))).toMatchObject([
    { id, state: 'pending', to: vault.address, data: PAUSE },
  ])
  expect(await sender.get(`0x${'00'.repeat(32)}`)).toBeUndefined()

  // A second proposal queues behind the first.
  const second = await sender.submit(call)
  expect(second.outcome).toBe('accepted')
  expect(service.proposals[1]?.nonce).toBe('1')

  await safe.write('execTransaction', vault.address, ...rest, proposal.signature)
  expect(await vault.read('paused')).toBe(true)
  service.setExecuted(id, `0x${'ab'.repeat(32)}`)
  expect(await sender.get(id)).toMatchObject({ state: 'mined', hash: `0x${'ab'.repeat(32)}` })
})
