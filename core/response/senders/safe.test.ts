import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ActionStage, createActionStage } from '../../../test/support/actionScene.ts'
import { createSafe } from '../../../test/support/safeScene.ts'
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
let stage: ActionStage
let service: SafeServiceStandin
beforeAll(async () => {
  stage = await createActionStage()
  service = await startSafeServiceStandin(stage.anvil)
}, 240_000)
afterAll(async () => {
  await service?.stop()
  await stage?.stop()
})

test('default: what is proposed is what the Safe itself would have signed, and its owners can execute it', async () => {
  const { anvil, deploy } = stage
  const key = createSignerKey(KEY)
  const { safe } = await createSafe(stage, [key.address])
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

test('behavior: the service takes a delegate, and neither a stranger nor a hash or signature that is not right', async () => {
  const { anvil, deploy, admin } = stage
  const { safe } = await createSafe(stage)
  const vault = await deploy('OwnedVault', safe.address)
  const key = createSignerKey(KEY)
  const rpc = createSignerRpc({ chainId: anvil.chainId, urls: [anvil.url] })
  const config = {
    name: 'council',
    type: 'safe' as const,
    chain: 'local',
    url: service.url,
    apiKey: '',
    safe: safe.address,
  }
  const call = {
    chainId: anvil.chainId,
    to: vault.address,
    data: PAUSE,
    gasLimit: 200_000n,
    maxFeePerGas: 1n,
    maxPriorityFeePerGas: 1n,
    validUntil: new Date(Date.now() + 600_000),
    note: 'pause-vault x_2',
  }
  const before = service.proposals.length
  const stranger = await createSafeSender(config, { rpc, key }).submit(call)
  expect(stranger).toMatchObject({ outcome: 'refused', isFinal: true })
  expect(stranger).toHaveProperty('message', expect.stringContaining('not an owner or delegate'))
  service.addDelegate(key.address, admin)
  // A hash for another chain is not the Safe's, and a signature by somebody else is not the sender's.
  const elsewhere = createSafeSender(config, { rpc: { ...rpc, chainId: 1 }, key })
  expect(await elsewhere.submit(call)).toMatchObject({
    outcome: 'refused',
    message: expect.stringContaining('does not match provided'),
  })
  const forger = createSafeSender(config, { rpc, key: { ...key, address: admin } })
  expect(await forger.submit(call)).toMatchObject({
    outcome: 'refused',
    message: expect.stringContaining('Signature does not match'),
  })
  expect(service.proposals).toHaveLength(before)
  expect((await createSafeSender(config, { rpc, key }).submit(call)).outcome).toBe('accepted')
})

test('behavior: the probe knows who may propose: an owner, a delegate of a present owner, and nobody else', async () => {
  // The key's own account is the stage's stranger.
  const { anvil, admin, signer: other } = stage
  const { safe } = await createSafe(stage)
  const key = createSignerKey(KEY)
  const rpc = createSignerRpc({ chainId: anvil.chainId, urls: [anvil.url] })
  const config = {
    name: 'council',
    type: 'safe' as const,
    chain: 'local',
    url: service.url,
    apiKey: '',
    safe: safe.address,
  }
  const sender = createSafeSender(config, { rpc, key })
  const call = {
    chainId: anvil.chainId,
    to: safe.address,
    data: PAUSE,
    gasLimit: 200_000n,
    maxFeePerGas: 1n,
    maxPriorityFeePerGas: 1n,
    validUntil: new Date(Date.now() + 600_000),
    note: 'pause-vault x_3',
  }
  /** The probe, and whether it foretells what the service does. */
  const probe = async (): Promise<string> => {
    const [result] = await sender.probe()
    const { outcome } = await sender.submit(call)
    expect(outcome).toBe(result?.ok ? 'accepted' : 'refused')
    return result?.message ?? ''
  }
  const no = /neither an owner of the Safe 0x\w+ nor a delegate of one/
  const until = (ms: number): string => new Date(Date.now() + ms).toISOString()
  service.removeDelegates()
  expect(await probe()).toMatch(no)
  // Named by somebody who owns nothing; for another Safe; until yesterday.
  service.addDelegate(key.address, other)
  service.addDelegate(key.address, admin, { safe: other })
  service.addDelegate(key.address, admin, { expiryDate: until(-86_400_000) })
  service.addDelegate(other, admin)
  expect(await probe()).toMatch(no)
  service.addDelegate(key.address, admin, { safe: safe.address, expiryDate: until(86_400_000) })
  expect(await probe()).toMatch(/is at nonce 0/)
  service.removeDelegates()
  expect(await probe()).toMatch(no)
  const { safe: own } = await createSafe(stage, [admin, key.address])
  const asOwner = createSafeSender({ ...config, safe: own.address }, { rpc, key })
  expect(await asOwner.probe()).toMatchObject([{ ok: true }])
  const nowhere = createSafeSender({ ...config, safe: other }, { rpc, key })
  expect(await nowhere.probe()).toMatchObject([{ ok: false }])
})
