import type { RemoteView } from 'tocsin'
import {
  type BlockInput,
  type BotHarness,
  botConformance,
  createBotHarness,
  encodeLog,
} from 'tocsin/testing'
import { parseAbi } from 'viem'
import { describe, expect, test } from 'vitest'
import { bridge } from './bot.ts'

const LOCKER = '0x00000000000000000000000000000000000000a1'
const MINTER = '0x00000000000000000000000000000000000000b1'
const USER = '0x00000000000000000000000000000000000000c1'
const THIEF = '0x00000000000000000000000000000000000000f1'
const abi = parseAbi([
  'event TokensLocked(uint256 indexed nonce, address indexed token, address sender, address recipient, uint256 amount)',
  'event TokensReleased(uint256 indexed nonce, address indexed token, address recipient, uint256 amount)',
])
const oft = parseAbi([
  'event OFTSent(bytes32 indexed guid, uint32 dstEid, address indexed fromAddress, uint256 amountSentLD, uint256 amountReceivedLD)',
  'event OFTReceived(bytes32 indexed guid, uint32 srcEid, address indexed toAddress, uint256 amountReceivedLD)',
])
const nomad = parseAbi([
  'event Process(bytes32 indexed messageHash, bool indexed success, bytes indexed returnData)',
])
const op = parseAbi([
  'event ERC20BridgeInitiated(address indexed localToken, address indexed remoteToken, address indexed from, address to, uint256 amount, bytes extraData)',
  'event ERC20BridgeFinalized(address indexed localToken, address indexed remoteToken, address indexed from, address to, uint256 amount, bytes extraData)',
])

const A = { id: 1, name: 'source' }
const B = { id: 2, name: 'target' }
const start = { startTimestampS: 1_700_000_000 }
const lock = (nonce: bigint, amount = 100n, recipient: string = USER) =>
  encodeLog({
    abi,
    eventName: 'TokensLocked',
    address: LOCKER,
    args: { nonce, token: USER, sender: USER, recipient, amount },
  })
const release = (nonce: bigint, amount = 100n, recipient: string = USER) =>
  encodeLog({
    abi,
    eventName: 'TokensReleased',
    address: MINTER,
    args: { nonce, token: USER, recipient, amount },
  })

type Stored = { state: { key: string; blockNumber: number; value: never }[] }
/** Two chains; the target sees what the source has committed, and as final what the test says. */
const two = async (fields: { a?: object; b?: object; withAbi?: boolean } = {}) => {
  const own = fields.withAbi === false ? {} : { abi }
  const source = await createBotHarness(bridge, {
    things: [
      {
        kind: 'bridge',
        name: 'locker',
        address: LOCKER,
        chain: A.name,
        ...own,
        remote: { chain: B.name, address: MINTER },
        ...fields.a,
      },
    ],
    chain: A,
    ...start,
  })
  const scene = { finalized: 0, isSeen: true, isWell: true }
  const remote = async ({ chain, keys }: { chain: string; keys: readonly string[] }) => {
    if (chain !== A.name || !scene.isSeen) return undefined
    const { state } = (await source.memory()) as Stored
    const values = new Map<string, { value: never; blockNumber: number }>()
    for (const { key, blockNumber, value } of state)
      if (keys.includes(key))
        if (value === undefined) values.delete(key)
        else values.set(key, { value, blockNumber })
    const head = source.head()
    const view: RemoteView = {
      head,
      finalized: {
        number: scene.finalized,
        timestampS: head.timestampS - 12 * (head.number - scene.finalized),
      },
      isWell: scene.isWell,
      values,
    }
    return view
  }
  const target = await createBotHarness(bridge, {
    things: [
      {
        kind: 'bridge',
        name: 'minter',
        address: MINTER,
        chain: B.name,
        ...own,
        remote: { chain: A.name, address: LOCKER },
        ...fields.b,
      },
    ],
    chain: B,
    remote,
    ...start,
  })
  await source.block()
  await target.block()
  const finalize = () => {
    scene.finalized = source.head().number
  }
  finalize()
  return { source, target, scene, finalize }
}
const brief = (rows: Awaited<ReturnType<BotHarness['block']>>) =>
  rows.map(({ alertId, severity, condition }) => [alertId, severity, condition])
const stop = async (...all: readonly BotHarness[]) => {
  for (const one of all) await one.stop()
}

describe('two chains', () => {
  test('behavior: a release after its lock is silent, whoever is quicker', async () => {
    const { source, target, finalize } = await two()
    await source.block({ logs: [lock(1n), lock(2n, 5n)] })
    expect(await target.block({ logs: [release(1n), release(2n, 5n)] })).toEqual([])
    // The target's node is ahead: the lock is heard of a block later.
    expect(await target.block({ logs: [release(3n)] })).toEqual([])
    await source.block({ logs: [lock(3n)] })
    finalize()
    expect(await target.mine(3)).toEqual([])
    await stop(source, target)
  })

  test('behavior: no lock is told when the source is past it, and holds when that is final', async () => {
    const { source, target, finalize } = await two()
    expect(await target.block({ logs: [release(9n, 700n, THIEF)] })).toEqual([])
    await source.mine(3)
    const [seen, ...rest] = await target.block()
    expect(rest).toEqual([])
    expect(seen).toMatchObject({
      alertId: 'BRIDGE-LOCK-NOT-SEEN',
      severity: 'High',
      thing: 'minter',
    })
    expect(await target.mine(2)).toEqual([])
    await source.mine(3)
    finalize()
    const [holds, ...more] = await target.block()
    expect(more).toEqual([])
    expect(holds).toMatchObject({
      alertId: 'BRIDGE-UNBACKED',
      severity: 'Critical',
      condition: 'holds',
      metadata: { releases: '1', amountUnits: '700', remoteChain: 'source' },
    })
    expect(holds?.addresses).toContain(THIEF)
    expect(await target.mine(2)).toEqual([])
    await stop(source, target)
  })

  test('behavior: a source that is behind is unknown, stays so, and is no hit', async () => {
    const { source, target, finalize } = await two()
    expect(await target.block({ logs: [release(1n)] })).toEqual([])
    expect(brief(await target.block({ afterS: 300 }))).toEqual([
      ['BRIDGE-UNBACKED', 'Medium', 'unknown'],
    ])
    expect(await target.mine(5)).toEqual([])
    await source.block({ logs: [lock(1n)] })
    finalize()
    expect(brief(await target.block())).toEqual([['BRIDGE-UNBACKED', 'Info', 'ended']])
    expect(await target.block({ logs: [release(2n)] })).toEqual([])
    await target.block({ afterS: 300 })
    await source.block({ afterS: 400 })
    finalize()
    expect(brief(await target.block())).toEqual([['BRIDGE-UNBACKED', 'Critical', 'holds']])
    await stop(source, target)
  })

  test('behavior: a source that nobody watches is unknown and Low', async () => {
    const { source, target, scene } = await two()
    scene.isSeen = false
    await target.block({ logs: [release(1n)] })
    expect(brief(await target.block({ afterS: 300 }))).toEqual([
      ['BRIDGE-UNBACKED', 'Low', 'unknown'],
    ])
    await stop(source, target)
  })

  test('behavior: a source whose bot fails is unknown', async () => {
    const { source, target, scene, finalize } = await two()
    scene.isWell = false
    await target.block({ logs: [release(1n)] })
    await source.mine(3)
    finalize()
    expect(brief(await target.block({ afterS: 300 }))).toEqual([
      ['BRIDGE-UNBACKED', 'Medium', 'unknown'],
    ])
    await stop(source, target)
  })

  test('behavior: a lock that a reorganisation of the source takes away unbacks the release', async () => {
    const { source, target, finalize } = await two()
    await source.block({ logs: [lock(1n)] })
    expect(await target.block({ logs: [release(1n)] })).toEqual([])
    await source.rollback(1)
    await source.mine(4)
    expect(brief(await target.block())).toEqual([['BRIDGE-LOCK-NOT-SEEN', 'High', null]])
    finalize()
    expect(brief(await target.block())).toEqual([['BRIDGE-UNBACKED', 'Critical', 'holds']])
    await source.block({ logs: [lock(1n)] })
    finalize()
    expect(brief(await target.block())).toEqual([['BRIDGE-UNBACKED', 'Info', 'ended']])
    await stop(source, target)
  })

  test('behavior: a release that a reorganisation takes away is forgotten, and can come again', async () => {
    const { source, target } = await two()
    await source.block({ logs: [lock(1n)] })
    await target.block({ logs: [release(1n)] })
    await target.rollback(1)
    expect(await target.block({ logs: [release(1n)], salt: 'other' })).toEqual([])
    await stop(source, target)
  })

  test('behavior: more out than in is a mismatch; less is a fee, and decimals may differ', async () => {
    const { source, target } = await two()
    await source.block({ logs: [lock(1n), lock(2n), lock(3n)] })
    expect(await target.block({ logs: [release(1n), release(2n, 99n)] })).toEqual([])
    expect(await target.block({ logs: [release(3n, 100_000n)] })).toMatchObject([
      { alertId: 'BRIDGE-MISMATCH', severity: 'Critical', metadata: { lockedUnits: '100' } },
    ])
    await stop(source, target)
    const other = await two()
    await other.source.block({ logs: [lock(1n), lock(2n)] })
    const units = 10n ** 14n
    expect(
      await other.target.block({ logs: [release(1n, units), release(2n, 99n * 10n ** 12n)] }),
    ).toEqual([])
    await stop(other.source, other.target)
  })
})

describe('one side', () => {
  test('behavior: one message twice, and a number out of its row', async () => {
    const { source, target } = await two()
    await source.block({ logs: [1n, 2n, 3n, 4n, 5n, 6n, 5_000n].map((nonce) => lock(nonce)) })
    expect(
      await target.block({ logs: [1n, 2n, 3n, 4n, 5n].map((nonce) => release(nonce)) }),
    ).toEqual([])
    expect(await target.block({ logs: [release(6n)] })).toEqual([])
    expect(brief(await target.block({ logs: [release(5_000n)] }))).toEqual([
      ['BRIDGE-ID-JUMP', 'High', null],
    ])
    const [twice] = await target.block({ logs: [release(1n)] })
    expect(twice).toMatchObject({ alertId: 'BRIDGE-RELEASE-REPEATED', severity: 'Critical' })
    await stop(source, target)
  })

  test('behavior: both sides on one chain are compared within the block', async () => {
    const harness = await createBotHarness(bridge, {
      things: [
        {
          kind: 'bridge',
          name: 'minter',
          address: MINTER,
          abi,
          remote: { chain: 'local', address: LOCKER },
        },
      ],
    })
    await harness.block()
    expect(await harness.block({ logs: [lock(1n), release(1n)] })).toEqual([])
    expect(brief(await harness.block({ logs: [release(2n)] }))).toEqual([
      ['BRIDGE-UNBACKED', 'Critical', 'holds'],
    ])
    await harness.stop()
  })

  test('behavior: a bridge without another side is watched alone', async () => {
    const harness = await createBotHarness(bridge, {
      things: [{ kind: 'bridge', name: 'replica', address: MINTER }],
    })
    const process = encodeLog({
      abi: nomad,
      eventName: 'Process',
      address: MINTER,
      args: {
        messageHash: `0x${'11'.repeat(32)}`,
        success: true,
        returnData: `0x${'00'.repeat(32)}`,
      },
    })
    expect(await harness.block({ logs: [process] })).toEqual([])
    expect(brief(await harness.block({ logs: [process] }))).toEqual([
      ['BRIDGE-RELEASE-REPEATED', 'Critical', null],
    ])
    await harness.stop()
  })
})

describe('events', () => {
  const guid = (n: number): `0x${string}` => `0x${n.toString(16).padStart(64, '0')}`
  const received = (n: number, srcEid = 30_101) =>
    encodeLog({
      abi: oft,
      eventName: 'OFTReceived',
      address: MINTER,
      args: { guid: guid(n), srcEid, toAddress: USER, amountReceivedLD: 7n },
    })
  const sent = (n: number) =>
    encodeLog({
      abi: oft,
      eventName: 'OFTSent',
      address: LOCKER,
      args: { guid: guid(n), dstEid: 1, fromAddress: USER, amountSentLD: 8n, amountReceivedLD: 7n },
    })

  test('behavior: LayerZero by guid, and only of the origin that the watchlist names', async () => {
    const { source, target, finalize } = await two({
      withAbi: false,
      b: { remote: { chain: A.name, address: LOCKER, domain: '30101' } },
    })
    await source.block({ logs: [sent(1)] })
    expect(await target.block({ logs: [received(1), received(2, 30_102)] })).toEqual([])
    await target.block({ logs: [received(3)] })
    await source.mine(4)
    finalize()
    expect(brief(await target.block())).toEqual([['BRIDGE-UNBACKED', 'Critical', 'holds']])
    await stop(source, target)
  })

  test('behavior: the OP Stack by token, amount and recipient; each lock serves once; old ones may be older than the watch', async () => {
    const { source, target, finalize } = await two({ withAbi: false })
    const common = { from: USER, to: USER, amount: 40n, extraData: '0x' }
    const tokens = { localToken: LOCKER, remoteToken: MINTER } as const
    const into = encodeLog({
      abi: op,
      eventName: 'ERC20BridgeInitiated',
      address: LOCKER,
      args: { ...tokens, ...common },
    })
    const out = encodeLog({
      abi: op,
      eventName: 'ERC20BridgeFinalized',
      address: MINTER,
      args: { localToken: MINTER, remoteToken: LOCKER, ...common },
    })
    await source.block({ logs: [into, into] })
    expect(await target.block({ logs: [out, out] })).toEqual([])
    await target.block({ logs: [out] })
    await source.mine(5)
    finalize()
    expect(brief(await target.block())).toEqual([['BRIDGE-UNBACKED', 'Medium', 'holds']])
    await stop(source, target)
  })

  test('behavior: events that the watchlist names', async () => {
    const named = parseAbi(['event Out(bytes32 key, address who, uint256 much)'])
    const events = {
      release: [
        {
          event: 'Out(bytes32 key, address who, uint256 much)',
          id: 'key',
          amount: 'much',
          recipient: 'who',
        },
      ],
    }
    const harness = await createBotHarness(bridge, {
      things: [
        {
          kind: 'bridge',
          name: 'own',
          address: MINTER,
          events,
          remote: { chain: 'local', address: LOCKER },
        },
      ],
    })
    const out = encodeLog({
      abi: named,
      eventName: 'Out',
      address: MINTER,
      args: { key: guid(5), who: THIEF, much: 3n },
    })
    const [finding] = await harness.block({ logs: [out] })
    expect(finding).toMatchObject({ alertId: 'BRIDGE-UNBACKED', metadata: { amountUnits: '3' } })
    await harness.stop()
  })

  test('error: an argument that the event does not have', async () => {
    const events = { release: [{ event: 'Out(bytes32 key)', id: 'kee' }] }
    await expect(
      createBotHarness(bridge, {
        things: [{ kind: 'bridge', name: 'own', address: MINTER, events }],
      }),
    ).rejects.toMatchObject({ code: 'bot.bad_signature' })
  })
})

describe('conformance', () => {
  const scenario: readonly BlockInput[] = [
    {},
    { logs: [lock(1n), release(1n)] },
    { logs: [release(2n), release(1n)] },
    {},
    { logs: [lock(2n)] },
  ]
  const benign: readonly BlockInput[] = [{}, { logs: [lock(1n), release(1n)] }, {}]
  for (const { name, run } of botConformance(bridge, {
    things: [
      {
        kind: 'bridge',
        name: 'minter',
        address: MINTER,
        abi,
        remote: { chain: 'local', address: LOCKER },
      },
    ],
    scenario,
    benign,
  }))
    test(name, run)
})
