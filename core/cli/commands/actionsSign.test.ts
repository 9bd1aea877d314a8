import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { runCommand } from '../../../test/support/runCommand.ts'
import { createSignerFixture, type SignerFixture } from '../../../test/support/signerFixture.ts'
import { loadPolicies } from '../../response/index.ts'
import { encodeKeystore } from '../../response/keystore.ts'
import { policyTypedData } from '../../response/policySignature.ts'
import { register } from './actions.ts'

const KEY = `0x${'a1'.repeat(32)}` as const
const ADA = privateKeyToAccount(KEY)
const GRACE = privateKeyToAccount(`0x${'b2'.repeat(32)}`)

let f: SignerFixture
let watchlist: string
beforeAll(async () => {
  f = await createSignerFixture()
  watchlist = join(f.dataDir, 'watchlist.yaml')
  await writeFile(
    watchlist,
    `version: 1
name: test
chains:
  local: { id: ${f.anvil.chainId}, rpc: [{ http: ${f.anvil.url} }] }
watch:
  - { kind: vault, name: vault, chain: local, address: "${f.vault}" }
actionsDir: ${f.actionsDir}
signer:
  rpc: { local: [${f.anvil.url}] }
  keystore: ${f.keystore}
  password: { env: SIGNER_PASSWORD }
  approvalsRequired: 2
  approvers:
    - { name: Ada, address: "${ADA.address}", role: guardian }
    - { name: Grace, address: "${GRACE.address}", role: guardian }
`,
  )
}, 240_000)
afterAll(async () => {
  vi.unstubAllEnvs()
  await f?.stop()
})

const tocsin = (...args: readonly string[]) =>
  runCommand(register, ['actions', ...args, '-c', watchlist])

test('default: approvers sign by keystore or elsewhere, and verify tells who is missing', async () => {
  await f.writePolicy()
  const keystore = join(f.dataDir, 'ada.json')
  const sealed = await encodeKeystore(KEY, 'correct horse', { n: 1024, r: 8, p: 1 })
  await writeFile(keystore, sealed.text)
  vi.stubEnv('TOCSIN_APPROVER_PASSWORD', 'correct horse')
  const signed = await tocsin('sign', 'pause-vault', '--keystore', keystore, '--json')
  expect(JSON.parse(signed.out)).toMatchObject({ approver: 'Ada', policy: 'pause-vault' })
  const half = await tocsin('verify')
  expect(half.code).toBe(3)
  expect(half.out).toContain('1 of 2 signatures: Ada')
  const printed = await tocsin('sign', 'pause-vault', '--print')
  expect(JSON.parse(printed.out)).toMatchObject({
    primaryType: 'PolicyApproval',
    domain: { name: 'Tocsin', chainId: f.anvil.chainId },
  })
  const [policy] = await loadPolicies(f.actionsDir)
  if (!policy) throw new Error('no policy')
  const signature = await GRACE.signTypedData(policyTypedData(policy))
  const given = ['--address', GRACE.address, '--signature', signature]
  await tocsin('sign', 'pause-vault', ...given)
  const file = join(f.actionsDir, 'pause-vault.signatures.json')
  expect(JSON.parse(await readFile(file, 'utf8'))).toHaveLength(2)
  expect((await tocsin('verify')).out).toContain('2 of 2 signatures: Ada, Grace')
  expect((await tocsin('show', 'pause-vault')).out).toContain('2 of 2 signatures')
  await f.writePolicy({ cooldownS: 61 })
  expect((await tocsin('verify')).out).toContain('Ada signed another version of the policy')
})

test('error: a stranger, a signature over something else, nothing to sign with', async () => {
  await f.writePolicy()
  const stranger = privateKeyToAccount(`0x${'c3'.repeat(32)}`)
  const [policy] = await loadPolicies(f.actionsDir)
  if (!policy) throw new Error('no policy')
  const theirs = await stranger.signTypedData(policyTypedData(policy))
  const sign = (address: string, signature: string) =>
    tocsin('sign', 'pause-vault', '--address', address, '--signature', signature)
  await expect(sign(stranger.address, theirs)).rejects.toMatchObject({ code: 'policy.signature' })
  await expect(sign(ADA.address, theirs)).rejects.toMatchObject({ code: 'policy.signature' })
  await expect(sign(ADA.address, '0x12')).rejects.toMatchObject({ code: 'actions.invalid' })
  await expect(tocsin('sign', 'pause-vault')).rejects.toMatchObject({ code: 'actions.invalid' })
  await expect(tocsin('sign', 'nothing')).rejects.toMatchObject({ code: 'policy.unknown' })
})
