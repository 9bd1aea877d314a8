import { keccak256, stringToHex } from 'viem'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Hex, sleep } from '../../core/base/index.ts'
import type { SenderConfig } from '../../core/config/types.ts'
import { verifyExecutionLog } from '../../core/response/executionLog.ts'
import { startDefenderStandin } from './defenderStandin.ts'
import { startOzRelayerStandin } from './ozRelayerStandin.ts'
import { createRelayerDesk, type RelayerDesk } from './relayerDesk.ts'
import type { RelayerFault, RelayerStandin } from './relayerStandin.ts'
import { createSignerFixture, type ExecutionRow, type SignerFixture } from './signerFixture.ts'
import { type SignerChild, startSignerChild } from './startSignerChild.ts'

/** Sixth account of the well-known test mnemonic. */
const RELAYER_KEY: Hex = '0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba'
const API_KEY = 'a-key-of-the-stand-in-and-nothing-else'
const API_SECRET = 'its-secret'
const PAUSER_ROLE = keccak256(stringToHex('PAUSER_ROLE'))
const PAUSED = keccak256(stringToHex('Paused(address)'))
const RELAY_S = 2
const LOCAL_S = 12

/**
 * Every fault of a relayer, by the real signer on a real chain: never two effects, and the next sender lands it in time.
 * The SDK's thread takes seconds to start for each of them: of what the signer does by itself, whatever sends, Defender
 * shows one case, and all of them with TOCSIN_LONG=1.
 */
export const describeSenderFaults = (kind: 'openzeppelin-relayer' | 'defender'): void => {
  let f: SignerFixture
  let desk: RelayerDesk
  let standin: RelayerStandin
  let child: SignerChild | undefined
  let pausesBefore = 0

  beforeAll(async () => {
    f = await createSignerFixture()
    desk = await createRelayerDesk(f.anvil.rpc, f.anvil.chainId, RELAYER_KEY)
    await f.asAdmin('grantRole', [PAUSER_ROLE, desk.address])
  }, 240_000)
  afterAll(() => f?.stop())
  beforeEach(async () => {
    await f.reset()
    desk = await createRelayerDesk(f.anvil.rpc, f.anvil.chainId, RELAYER_KEY)
    pausesBefore = (await pauses()).length
  })
  afterEach(async () => {
    await child?.kill()
    await f.stopSigners()
    await standin?.stop()
  })

  /** Transactions that paused the vault, since the chain began. */
  const pauses = async (): Promise<readonly Hex[]> => {
    const filter = { address: f.vault, topics: [PAUSED], fromBlock: '0x0', toBlock: 'latest' }
    const logs = await f.anvil.rpc<{ transactionHash: Hex }[]>('eth_getLogs', [filter])
    return logs.map(({ transactionHash }) => transactionHash)
  }

  const startStandin = async (): Promise<SenderConfig> => {
    const base = { name: 'relayer', chain: 'local', apiKey: API_KEY, address: undefined }
    if (kind === 'openzeppelin-relayer') {
      standin = await startOzRelayerStandin(desk, API_KEY)
      return { ...base, type: kind, url: standin.url, relayer: 'pauser' }
    }
    standin = await startDefenderStandin(desk, {
      apiKey: API_KEY,
      apiSecret: API_SECRET,
      chainId: f.anvil.chainId,
    })
    return { ...base, type: kind, url: standin.url, apiSecret: API_SECRET }
  }

  const prepare = async (policy: Record<string, unknown> = {}) => {
    const sender = await startStandin()
    const { signer } = f.config
    if (!signer) throw new Error('no signer')
    await f.writePolicy({
      postcondition: { deadlineS: 30, confirmations: 1 },
      senders: [
        { name: 'relayer', deadlineS: RELAY_S },
        { name: 'local', deadlineS: LOCAL_S },
      ],
      ...policy,
    })
    return { signer, sender }
  }
  const start = async (
    signer: NonNullable<SignerFixture['config']['signer']>,
    sender: SenderConfig,
  ): Promise<void> => {
    await f.start({ config: { ...f.config, signer: { ...signer, senders: [sender] } } })
    // The SDK loads in its own time, long before anything happens.
    if (kind === 'defender')
      await expect.poll(() => standin.seen, { timeout: 30_000 }).toContain('GET /relayers/self')
  }
  const startWith = async (policy: Record<string, unknown> = {}): Promise<void> => {
    const { signer, sender } = await prepare(policy)
    await start(signer, sender)
  }

  const isOver = ({ status }: ExecutionRow): boolean =>
    status === 'succeeded' || status === 'failed'

  /** Mines until the execution is over, then checks that exactly one transaction had the effect. */
  const land = async (id: string, during?: (row: ExecutionRow) => Promise<void>) => {
    const began = Date.now()
    for (let i = 0; i < 150 && !isOver(await f.row(id)); i++) {
      await during?.(await f.row(id))
      await f.mine()
      await sleep(150)
    }
    const row = await f.row(id)
    // Whatever may still come must not change anything.
    await f.mine(2)
    expect([row.status, row.reasonCode]).toEqual(['succeeded', null])
    expect(await f.isPaused()).toBe(true)
    const made = (await pauses()).slice(pausesBefore)
    expect(made).toEqual([row.minedTxHash])
    expect(await verifyExecutionLog(f.database.db)).toMatchObject({ ok: true })
    return { row, tookMs: Date.now() - began }
  }

  const find = async (): Promise<string> => (await f.find()).executions[0] ?? ''
  const byRelayer = async ({ minedTxHash }: ExecutionRow): Promise<boolean> => {
    const tx = await f.anvil.rpc<{ from: Hex }>('eth_getTransactionByHash', [minedTxHash])
    return tx.from === desk.address
  }

  describe(kind, () => {
    test('default: the relayer is asked once, and its transaction is the effect', async () => {
      await startWith()
      const { row } = await land(await find())
      expect(await byRelayer(row)).toBe(true)
      expect(desk.accepted).toHaveLength(1)
      expect(desk.accepted[0]).toMatchObject({
        to: f.vault,
        data: '0x8456cb59',
        gasLimit: 200_000n,
      })
      expect(row).toMatchObject({ nonce: null, attempts: [] })
      expect(await f.events(row.id)).toEqual(
        expect.arrayContaining(['sending', 'relay_asked', 'sent']),
      )
    })

    const isWhole = kind !== 'defender' || Boolean(process.env['TOCSIN_LONG'])
    const lost: readonly RelayerFault[] = isWhole
      ? ['reset-after', 'error-after', 'hang-after']
      : ['error-after', 'hang-after']
    for (const fault of lost)
      test(`behavior: taken and the answer lost (${fault}): it is found, never asked again`, async () => {
        await startWith({ senders: [{ name: 'relayer', deadlineS: 25 }] })
        standin.setFault(fault)
        const { row } = await land(await find())
        expect(await byRelayer(row)).toBe(true)
        expect(desk.accepted).toHaveLength(1)
      })

    const useless: readonly RelayerFault[] = [
      'unauthorized',
      'error',
      'hang',
      'refused',
      'rate-limited',
    ]
    for (const fault of useless)
      test(`behavior: a relayer that will not send (${fault}): the own key lands it within its deadline`, async () => {
        await startWith()
        standin.setFault(fault)
        const { row, tookMs } = await land(await find())
        expect(await byRelayer(row)).toBe(false)
        expect(desk.accepted).toHaveLength(0)
        expect(tookMs).toBeLessThan((RELAY_S + LOCAL_S) * 1_000)
        expect(await f.events(row.id)).toContain('handed_over')
      })

    test.runIf(isWhole)(
      'behavior: a relayer that lost its role is passed over, and the own key lands it at once',
      async () => {
        await startWith({
          senders: [
            { name: 'relayer', deadlineS: 29 },
            { name: 'local', deadlineS: LOCAL_S },
          ],
        })
        await f.asAdmin('revokeRole', [PAUSER_ROLE, desk.address])
        try {
          const { row } = await land(await find())
          expect(await byRelayer(row)).toBe(false)
          expect(desk.accepted).toHaveLength(0)
          expect(row.senderStep).toBe(1)
        } finally {
          await f.asAdmin('grantRole', [PAUSER_ROLE, desk.address])
        }
      },
    )

    test.runIf(isWhole)(
      "behavior: a reorg that takes the relayer's transaction: the pause stands in the end, once",
      async () => {
        await startWith({
          senders: [
            { name: 'relayer', deadlineS: 5 },
            { name: 'local', deadlineS: LOCAL_S },
          ],
        })
        const { row } = await land(await find())
        const depth = Number(await f.anvil.rpc('eth_blockNumber')) - (row.minedBlock ?? 0) + 1
        await f.anvil.rpc('anvil_reorg', [depth, []])
        expect(await f.isPaused()).toBe(false)
        for (let i = 0; i < 100 && !(await f.isPaused()); i++) {
          await f.mine()
          await sleep(150)
        }
        await f.until(row.id, ({ status }) => status === 'succeeded')
        expect((await pauses()).slice(pausesBefore)).toHaveLength(1)
        expect(await f.events(row.id)).toContain('orphaned')
        expect(await verifyExecutionLog(f.database.db)).toMatchObject({ ok: true })
      },
    )

    for (const fault of isWhole ? (['hang-after', 'hang'] as const) : (['hang-after'] as const))
      test(`behavior: kill -9 in the middle of the request (${fault}): started again, one effect`, async () => {
        const { signer, sender } = await prepare({ senders: [{ name: 'relayer', deadlineS: 25 }] })
        standin.setFault(fault)
        child = await startSignerChild(f, { ...signer, senders: [sender] })
        const id = await find()
        const isAsked = (): boolean =>
          standin.seen.some((each) => each.startsWith('POST ') && !each.includes('/auth/'))
        await expect.poll(isAsked, { timeout: 30_000 }).toBe(true)
        await child.kill()
        expect((await f.row(id)).status).toBe('sending')
        standin.setFault('none')
        await start(signer, sender)
        const { row } = await land(id)
        expect(await byRelayer(row)).toBe(true)
        expect(desk.accepted).toHaveLength(1)
      })

    test.runIf(isWhole)(
      'behavior: an intent that is never sent is left to the own key',
      async () => {
        await startWith()
        standin.setFault('intent')
        const { row } = await land(await find())
        expect(await byRelayer(row)).toBe(false)
        expect(desk.accepted).toHaveLength(1)
      },
    )

    test.runIf(isWhole)(
      'behavior: an intent that is sent after the hand-over changes nothing any more',
      async () => {
        await startWith()
        standin.setFault('intent')
        const id = await find()
        let isSent = false
        const { row } = await land(id, async ({ senderStep }) => {
          const [intent] = desk.accepted
          if (senderStep === 0 || isSent || !intent) return
          isSent = true
          await desk.resubmit(intent.id)
        })
        expect(isSent).toBe(true)
        expect(row.txHashes.length).toBeGreaterThan(0)
      },
    )

    test('behavior: the hash changes with each resubmission, and the last one gets the credit', async () => {
      await startWith({ senders: [{ name: 'relayer', deadlineS: 25 }] })
      const id = await find()
      await f.until(id, ({ status }) => status === 'sent')
      const [tx] = desk.accepted
      if (!tx) throw new Error('nothing was accepted')
      const first = tx.hash
      await desk.resubmit(tx.id)
      expect(tx.hash).not.toBe(first)
      const { row } = await land(id)
      expect(row.minedTxHash).toBe(tx.hash)
      expect(row.txHashes).toEqual([first, tx.hash])
    })

    test.runIf(isWhole)(
      'behavior: expired to a no-op, the own key takes over before the deadline',
      async () => {
        await startWith({
          senders: [
            { name: 'relayer', deadlineS: 29 },
            { name: 'local', deadlineS: LOCAL_S },
          ],
        })
        const id = await find()
        await f.until(id, ({ status }) => status === 'sent')
        const [tx] = desk.accepted
        if (!tx) throw new Error('nothing was accepted')
        await desk.expire(tx.id)
        const { row } = await land(id)
        expect(await byRelayer(row)).toBe(false)
      },
    )
  })
}
