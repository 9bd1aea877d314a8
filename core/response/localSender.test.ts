import { afterAll, afterEach, beforeAll, beforeEach, describe, test } from 'vitest'
import { createSignerFixture, type SignerFixture } from '../../test/support/signerFixture.ts'
import { type StrictNode, startStrictNode } from '../../test/support/strictNode.ts'
import type { Hex } from '../base/index.ts'
import { loadPolicies } from './loadPolicies.ts'
import { createLocalSender } from './localSender.ts'
import { senderConformance } from './senderConformance.ts'
import { openSignerKey } from './signerKey.ts'
import { createSignerRpc } from './signerRpc.ts'

let f: SignerFixture
let node: StrictNode
beforeAll(async () => {
  f = await createSignerFixture()
}, 240_000)
beforeEach(async () => {
  await f.reset()
  node = await startStrictNode(f.anvil.url)
})
afterEach(() => node.stop())
afterAll(() => f?.stop())

describe('the local sender conforms', () => {
  for (const { name, run } of senderConformance)
    test(`behavior: ${name}`, async () => {
      await f.writePolicy()
      const [policy] = await loadPolicies(f.actionsDir)
      if (!policy) throw new Error('no policy')
      const key = await openSignerKey(f.keystore, f.password)
      const nonce = async (): Promise<number> =>
        Number(await f.anvil.rpc<Hex>('eth_getTransactionCount', [f.signer, 'latest']))
      const start = await nonce()
      await run({
        sender: createLocalSender(createSignerRpc({ chainId: f.anvil.chainId, urls: [node.url] }), {
          deadlineMs: 500,
        }),
        deadlineMs: 500,
        sign: (fees) => key.sign(policy, start, fees),
        mine: f.mine,
        countMined: async () => (await nonce()) - start,
        isEffective: f.isPaused,
        setFault: node.setFault,
      })
    })
})
