import { encodeFunctionData, type Hex, keccak256, parseAbi, parseTransaction } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { cometGuardian } from '../../actions/comet-guardian/action.ts'
import { createActionStage, type Deployed } from '../../test/support/actionScene.ts'
import { createSignerFixture, type SignerFixture } from '../../test/support/signerFixture.ts'
import { readAttempts } from './executionStore.ts'
import { loadPolicies } from './loadPolicies.ts'
import { checkSigned } from './signerKey.ts'

const abi = parseAbi(['function pause(bool, bool, bool, bool, bool)'])
const GETTERS = ['Supply', 'Transfer', 'Withdraw', 'Absorb', 'Buy'].map((each) => `is${each}Paused`)
const calldata = (...args: readonly [boolean, boolean, boolean, boolean, boolean]): Hex =>
  encodeFunctionData({ abi, functionName: 'pause', args })

let f: SignerFixture
let comet: Deployed
beforeAll(async () => {
  f = await createSignerFixture()
  const stage = await createActionStage(f.anvil)
  comet = await stage.deploy('Comet', f.signer)
}, 240_000)
afterAll(() => f?.stop())
beforeEach(async () => {
  await f.reset()
  await comet.write('pause', false, false, false, false, false)
})

const flags = async (): Promise<string> => {
  const raised = await Promise.all(GETTERS.map((name) => comet.read(name)))
  return raised.map((each) => (each === true ? '1' : '0')).join('')
}

/** A policy that raises supply and withdraw, asked for by a finding. */
const ask = async (changes: Record<string, unknown> = {}): Promise<string> => {
  await f.writePolicy({
    action: 'comet-guardian',
    parameters: { flags: ['supply', 'withdraw'] },
    target: comet.address,
    codeHash: keccak256(await f.anvil.rpc<Hex>('eth_getCode', [comet.address, 'latest'])),
    implementation: undefined,
    calldata: calldata(true, false, true, false, false),
    ...changes,
  })
  const { executions } = await f.find()
  return executions[0] ?? ''
}

test('behavior: flags that stand raised are in the signed bytes, and stand after them', async () => {
  await comet.write('pause', false, true, false, false, true)
  const id = await ask()
  await f.start()
  const sent = await f.until(id, ({ status }) => status === 'sent')
  expect(sent.calldata).toBe(calldata(true, true, true, false, true))
  await f.mine()
  await f.until(id, ({ status }) => status === 'succeeded')
  expect(await flags()).toBe('11101')
})

test('behavior: a replacement is adapted to what was raised meanwhile', async () => {
  const id = await ask({ replaceAfterBlocks: 1 })
  await f.start()
  await f.until(id, ({ status }) => status === 'sent')
  // The transaction is lost, and somebody with the right raises another flag before it is sent again.
  await f.anvil.rpc('anvil_dropAllTransactions')
  await f.stopSigners()
  await comet.write('pause', false, false, false, true, false)
  await f.mine(2)
  await f.anvil.rpc('anvil_dropAllTransactions')
  await f.start()
  const row = await f.until(id, (each) => (readAttempts(each)?.length ?? 0) > 1)
  const last = readAttempts(row)?.at(-1)
  expect(parseTransaction(last?.raw as `0x02${string}`).data).toBe(
    calldata(true, false, true, true, false),
  )
})

test('behavior: what is raised already needs nothing', async () => {
  await comet.write('pause', true, false, true, true, false)
  const id = await ask()
  await f.start()
  await f.until(id, ({ status }) => status === 'not_needed')
  expect(await flags()).toBe('10110')
})

test('error: stored bytes that raise less than the policy are not ours to send', async () => {
  await ask()
  const [policy] = await loadPolicies(f.actionsDir)
  if (!policy) throw new Error('no policy')
  const account = privateKeyToAccount(`0x${'01'.repeat(32)}`)
  const sign = (data: Hex): Promise<Hex> =>
    account.signTransaction({
      type: 'eip1559',
      chainId: policy.chain,
      nonce: 3,
      to: policy.target,
      data,
      value: 0n,
      gas: policy.gasLimit,
      maxFeePerGas: policy.maxFeePerGasWei,
      maxPriorityFeePerGas: 1n,
    })
  const check = async (data: Hex, action = cometGuardian) =>
    checkSigned(await sign(data), {
      policy,
      signer: account.address.toLowerCase() as Hex,
      nonce: 3,
      action,
    })
  expect(await check(policy.calldata)).toBeUndefined()
  expect(await check(calldata(true, true, true, true, true))).toBeUndefined()
  for (const data of [
    calldata(true, true, false, true, true),
    calldata(false, false, false, false, false),
    `${policy.calldata}00`,
    '0x3f4ba83a',
  ] as const)
    expect(await check(data)).toMatch(/not the approved one/)
  const { adapt: _, ...plain } = cometGuardian
  expect(await check(calldata(true, true, true, true, true), plain)).toMatch(/not the approved one/)
})
