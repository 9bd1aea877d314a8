import { afterAll, beforeAll, expect, test } from 'vitest'
import { startOzRelayerStandin } from '../../../test/support/ozRelayerStandin.ts'
import { createRelayerDesk } from '../../../test/support/relayerDesk.ts'
import type { RelayerStandin } from '../../../test/support/relayerStandin.ts'
import { createSignerFixture, type SignerFixture } from '../../../test/support/signerFixture.ts'
import { type StrictNode, startStrictNode } from '../../../test/support/strictNode.ts'
import type { SenderConfig } from '../../config/types.ts'
import { loadPolicies } from '../loadPolicies.ts'
import type { Broadcast } from '../types.ts'
import { checkSenders } from './checkSenders.ts'
import { createLaneSenders } from './laneSenders.ts'
import { createOpenzeppelinRelayer } from './openzeppelinRelayer.ts'

/** Sixth account of the well-known test mnemonic. */
const RELAYER_KEY = '0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba'
const API_KEY = 'a-key-of-the-stand-in-and-nothing-else'

let f: SignerFixture
let standin: RelayerStandin
let open: StrictNode
let closed: StrictNode
beforeAll(async () => {
  f = await createSignerFixture()
  const desk = await createRelayerDesk(f.anvil.rpc, f.anvil.chainId, RELAYER_KEY)
  standin = await startOzRelayerStandin(desk, API_KEY)
  open = await startStrictNode(f.anvil.url)
  closed = await startStrictNode(f.anvil.url)
}, 240_000)
afterAll(async () => {
  await f?.stopSigners()
  await Promise.all([standin?.stop(), open?.stop(), closed?.stop()])
  await f?.stop()
})

const config = (): Extract<SenderConfig, { type: 'openzeppelin-relayer' }> => ({
  name: 'relayer',
  type: 'openzeppelin-relayer',
  chain: 'local',
  url: standin.url,
  apiKey: API_KEY,
  relayer: 'pauser',
  address: undefined,
})
const RELAYER = { name: 'relayer', deadlineS: 5 }
const LOCAL = { name: 'local', deadlineS: 5 }

test('behavior: only the own key keeps a promise of privacy', async () => {
  await f.writePolicy()
  const [policy] = await loadPolicies(f.actionsDir)
  if (!policy) throw new Error('no policy')
  const remote = createOpenzeppelinRelayer(config(), { chainId: f.anvil.chainId })
  const lane = { chainName: 'local', senders: createLaneSenders([remote]), hasPrivateRpc: true }
  const action = { id: 'pause', isIdempotent: true }
  const check = (mode: Broadcast['mode'], ...senders: readonly (typeof LOCAL)[]) =>
    checkSenders(lane, { ...policy, senders, broadcast: { mode, afterBlocks: 1 } }, action)
  for (const mode of ['private', 'private-then-public'] as const) {
    expect(check(mode, LOCAL)).toBeUndefined()
    // Also as the last resort: a sender without the right is passed over from the start.
    for (const senders of [[RELAYER], [RELAYER, LOCAL], [LOCAL, RELAYER]])
      expect(check(mode, ...senders)).toMatchObject({
        code: 'sender_public',
        reason: expect.stringContaining(`broadcast.mode: ${mode}`),
      })
  }
  for (const mode of ['public', 'both'] as const)
    expect(check(mode, RELAYER, LOCAL)).toBeUndefined()
})

test('error: a policy that promises privacy and names a relayer sends nothing, by nobody', async () => {
  const { signer } = f.config
  if (!signer) throw new Error('no signer')
  await f.writePolicy({
    senders: [LOCAL, RELAYER],
    broadcast: { mode: 'private-then-public', afterBlocks: 1 },
  })
  const settings = {
    ...signer,
    rpc: { local: [open.url] },
    privateRpc: { local: [closed.url] },
    senders: [config()],
  }
  const running = await f.start({ config: { ...f.config, signer: settings } })
  const { executions } = await f.find()
  const row = await f.until(executions[0] ?? '', ({ status }) => status === 'refused')
  expect(row.reasonCode).toBe('sender_public')
  expect(standin.seen.filter((each) => each.startsWith('POST'))).toEqual([])
  expect([...open.seen, ...closed.seen]).toEqual([])
  // Known before it is needed: the readiness probe says so too.
  await expect
    .poll(async () => JSON.stringify((await running.report()).detail), { timeout: 10_000 })
    .toContain('would make the call public')
})
