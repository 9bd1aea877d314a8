import { createRequire } from 'node:module'
import { concat, encodeFunctionData, type Hex, hashTypedData, parseAbi } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { createActionStage } from '../../test/support/actionScene.ts'
import { createSafe, readArtifact, type SafeOnStage } from '../../test/support/safeScene.ts'
import { createSignerFixture, type SignerFixture } from '../../test/support/signerFixture.ts'
import type { Address } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import { createContractCheck } from './contractSignature.ts'
import { loadPolicies } from './loadPolicies.ts'
import { typedDataOf } from './policySignature.ts'
import { createSignerRpc } from './signerRpc.ts'
import type { LoadedPolicy } from './types.ts'
import { writeSignature } from './writeSignature.ts'

const require = createRequire(import.meta.url)
const HANDLER = require.resolve(
  '@safe-global/safe-smart-account/build/artifacts/contracts/handler/CompatibilityFallbackHandler.sol/CompatibilityFallbackHandler.json',
)
const [ada, grace, edith] = Array.from({ length: 3 }, () =>
  privateKeyToAccount(generatePrivateKey()),
)
if (!ada || !grace || !edith) throw new Error('no keys')
const lower = (address: string): Address => address.toLowerCase() as Address

let f: SignerFixture
let council: SafeOnStage
beforeAll(async () => {
  f = await createSignerFixture()
  const stage = await createActionStage(f.anvil)
  const handler = await stage.deploy(await readArtifact(HANDLER))
  council = await createSafe(
    stage,
    [lower(grace.address), lower(edith.address)],
    2,
    handler.address,
  )
}, 240_000)
afterAll(() => f?.stop())
beforeEach(() => f.reset())

/** As the owners of a Safe sign a message off chain: over the Safe's own hash of it, in the order of their addresses. */
const byOwners = async (hash: Hex, owners = [grace, edith]): Promise<Hex> => {
  const inOrder = [...owners].sort((a, b) => (lower(a.address) < lower(b.address) ? -1 : 1))
  const signatures = await Promise.all(
    inOrder.map((owner) =>
      owner.signTypedData({
        domain: { chainId: f.anvil.chainId, verifyingContract: council.safe.address },
        types: { SafeMessage: [{ name: 'message', type: 'bytes' }] },
        primaryType: 'SafeMessage',
        message: { message: hash },
      }),
    ),
  )
  return concat(signatures)
}
const rpc = () => createSignerRpc({ chainId: f.anvil.chainId, urls: [f.anvil.url] })
const approvers = () => [
  { name: 'Ada', address: lower(ada.address) },
  { name: 'Council', address: council.safe.address, chain: 'local' },
]
const readPolicy = async (): Promise<LoadedPolicy> => {
  const [policy] = await loadPolicies(f.actionsDir)
  if (!policy) throw new Error('no policy')
  return policy
}
const put = async (address: Address, signature: Hex) => {
  const checkContract = createContractCheck((chain) => (chain === 'local' ? rpc() : undefined))
  return writeSignature(
    await readPolicy(),
    { address, signature },
    { approvers: approvers(), checkContract },
  )
}

test('behavior: a Safe is one of the approvers, by its own word on chain', async () => {
  const signer = { ...f.config.signer, approvers: approvers(), approvalsRequired: 2 }
  await f.writePolicy({ cooldownS: 0 })
  const policy = await readPolicy()
  const hash = hashTypedData(typedDataOf(policy))
  await put(lower(ada.address), await ada.signTypedData(typedDataOf(policy)))
  await f.start({ config: { ...f.config, signer } as Config })
  const first = await f.find()
  const unsigned = await f.until(first.executions[0] ?? '', ({ status }) => status === 'refused')
  expect(unsigned.reason).toBe('The policy needs the signatures of 2 approvers and has 1 (Ada).')

  // One owner of two, other owners, a signature over something else: the Safe does not say yes.
  const { address } = council.safe
  for (const bad of [
    await byOwners(hash, [grace]),
    await byOwners(hash, [grace, ada]),
    await byOwners(`0x${'11'.repeat(32)}`),
    await ada.signTypedData(typedDataOf(policy)),
    '0x',
  ] as const)
    await expect(put(address, bad)).rejects.toMatchObject({ code: 'policy.signature' })
  const { approver } = await put(address, await byOwners(hash))
  expect(approver).toBe('Council')
  const { executions } = await f.find({ uniqueKey: 'signed' })
  await f.until(executions[0] ?? '', ({ status }) => status === 'sent')
})

test('behavior: who is no owner any more signs no longer; what nobody can be asked about counts for an hour', async () => {
  const hash: Hex = `0x${'77'.repeat(32)}`
  const signature = await byOwners(hash)
  const { address } = council.safe
  const snapshot = await f.anvil.rpc('evm_snapshot')
  let isReachable = true
  const dark = createSignerRpc({ chainId: f.anvil.chainId, urls: ['http://127.0.0.1:1'] })
  const check = createContractCheck(() => (isReachable ? rpc() : dark))
  const ask = () => check({ chain: 'local', address, hash, signature })
  vi.useFakeTimers({ toFake: ['Date'] })
  try {
    expect(await ask()).toBe(true)
    // The Safe itself gives Grace's place to Ada.
    const abi = parseAbi(['function swapOwner(address prev, address old, address next)'])
    const sentinel: Address = `0x${'1'.padStart(40, '0')}`
    const args = [sentinel, grace.address, ada.address] as const
    const data = encodeFunctionData({ abi, functionName: 'swapOwner', args })
    await f.anvil.rpc('anvil_impersonateAccount', [address])
    await f.anvil.rpc('anvil_setBalance', [address, '0xde0b6b3a7640000'])
    await f.anvil.rpc('eth_sendTransaction', [{ from: address, to: address, data, gas: '0x30d40' }])
    await f.anvil.rpc('evm_mine')
    expect(await ask()).toBe(true)
    vi.setSystemTime(Date.now() + 60_000)
    expect(await ask()).toMatch(/does not say/)
    await f.anvil.rpc('evm_revert', [snapshot])
    vi.setSystemTime(Date.now() + 60_000)
    expect(await ask()).toBe(true)
    isReachable = false
    vi.setSystemTime(Date.now() + 3_599_000)
    expect(await ask()).toBe(true)
    vi.setSystemTime(Date.now() + 1_000)
    expect(await ask()).toMatch(/cannot be asked/)
  } finally {
    vi.useRealTimers()
  }
})

test('error: an account without code, a contract without the function, a chain without an endpoint', async () => {
  const check = createContractCheck((chain) => (chain === 'local' ? rpc() : undefined))
  const of = { chain: 'local', hash: `0x${'77'.repeat(32)}`, signature: '0x' } as const
  for (const address of [lower(ada.address), f.vault])
    expect(await check({ ...of, address })).toMatch(/does not say/)
  expect(await check({ ...of, chain: 'elsewhere', address: f.vault })).toMatch(/no endpoint/)
})
