import { type Anvil, runBotOnAnvil, startAnvil } from 'tocsin/testing'
import { encodeFunctionData, keccak256, toHex } from 'viem'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { IMPLEMENTATION_SLOT } from '../abis/index.ts'
import { runAttack } from '../demo/attack.ts'
import {
  callOf,
  createSender,
  type DemoDeployment,
  deployDemo,
  ETHER,
  FIRST_USER,
  FOREVER,
  mintPosition,
  type Sender,
  type SendRequest,
  USD,
  V3_FEE,
} from '../demo/contracts/index.ts'
import { readChain } from '../demo/readChain.ts'
import { safeTransaction } from '../demo/safeTransaction.ts'
import { playTraffic } from '../demo/traffic.ts'
import { adminCall } from './admin-call/bot.ts'
import { largeTransfer } from './large-transfer/bot.ts'
import { liquidityPull } from './liquidity-pull/bot.ts'
import { tvlDrop } from './tvl-drop/bot.ts'

const USERS = 8
let anvil: Anvil
let demo: DemoDeployment
let sender: Sender
let snapshot: unknown
/** First block of the test. */
let start = 0
const mine = (): Promise<unknown> => anvil.rpc('evm_mine')
const head = async (): Promise<number> => Number(await anvil.rpc<string>('eth_blockNumber'))

beforeAll(async () => {
  anvil = await startAnvil({ accounts: FIRST_USER + USERS })
  demo = await deployDemo({ rpcUrl: anvil.url, users: USERS, mine })
  snapshot = await anvil.rpc('evm_snapshot')
})
afterAll(() => anvil?.stop())
beforeEach(async () => {
  await anvil.rpc('evm_revert', [snapshot])
  snapshot = await anvil.rpc('evm_snapshot')
  sender = await createSender({ rpcUrl: anvil.url })
  start = (await head()) + 1
  // Two blocks of calm: the bots' baseline.
  await mine()
  await mine()
})

/** Puts the transactions into one block, which must all succeed unless told otherwise. */
const block = async (
  requests: readonly SendRequest[],
  status: 'success' | 'reverted' = 'success',
) => {
  const hashes = await sender.send(requests)
  await mine()
  const receipts = await sender.wait(hashes)
  expect(receipts.map((receipt) => receipt.status)).toEqual(requests.map(() => status))
  expect(new Set(receipts.map((receipt) => receipt.blockNumber)).size).toBe(1)
  return receipts
}
const read = async (
  contract: { address: `0x${string}`; abi: DemoDeployment['usd']['abi'] },
  functionName: string,
  args: readonly unknown[] = [],
): Promise<bigint> => {
  const { to, data } = callOf(demo.actors.deployer.address, contract, functionName, args)
  return BigInt((await anvil.rpc<string>('eth_call', [{ to, data }, 'latest'])).slice(0, 66))
}

const vaultThing = () =>
  ({
    kind: 'vault',
    name: 'vault',
    address: demo.vault.address,
    abi: demo.vault.abi,
    asset: demo.usd.address,
    proxy: true,
    adminFunctions: [
      'setFeeRecipient(address)',
      'migrate(address,uint256)',
      'initializeV2(address)',
    ],
    bots: { 'admin-call': { traces: 'whenTouched' } },
  }) as const
const pairThing = () =>
  ({
    kind: 'pool',
    name: 'pair',
    address: demo.pair.address,
    variant: 'uniswap-v2',
    abi: demo.pair.abi,
  }) as const
const poolThing = () =>
  ({
    kind: 'pool',
    name: 'pool',
    address: demo.pool.address,
    variant: 'uniswap-v3',
    abi: demo.pool.abi,
  }) as const
const usdThing = () =>
  ({ kind: 'token', name: 'usd', address: demo.usd.address, abi: demo.usd.abi }) as const
const wethThing = () =>
  ({
    kind: 'token',
    name: 'weth',
    address: demo.weth.address,
    bots: { 'large-transfer': { threshold: '500' } },
  }) as const
const voteThing = () =>
  ({ kind: 'token', name: 'vote', address: demo.vote.address, abi: demo.vote.abi }) as const
const safeThing = () => ({ kind: 'multisig', name: 'safe', address: demo.safe.address }) as const
const timelockThing = () =>
  ({ kind: 'timelock', name: 'timelock', address: demo.timelock.address }) as const
const governorThing = () =>
  ({ kind: 'governor', name: 'governor', address: demo.governor.address }) as const
const treasuryThing = () =>
  ({
    kind: 'treasury',
    name: 'treasury',
    address: demo.actors.treasury.address,
    tokens: [demo.usd.address],
  }) as const

const tvl = (things = [vaultThing(), pairThing(), poolThing()]) =>
  runBotOnAnvil(tvlDrop, anvil, { things, from: start })
const admin = (parameters: Record<string, unknown> = {}) =>
  runBotOnAnvil(adminCall, anvil, {
    things: [vaultThing(), usdThing(), voteThing(), safeThing(), timelockThing(), governorThing()],
    parameters,
    from: start,
  })
const large = () =>
  runBotOnAnvil(largeTransfer, anvil, {
    things: [usdThing(), wethThing(), treasuryThing()],
    from: start,
  })
const pulls = () =>
  runBotOnAnvil(liquidityPull, anvil, { things: [pairThing(), poolThing()], from: start })
const brief = (rows: readonly { alertId: string; severity: string; thing: string | null }[]) =>
  rows.map(({ alertId, severity, thing }) => [alertId, severity, thing])

test('behavior: ordinary traffic of many users raises nothing above Low', async () => {
  await playTraffic({ deployment: demo, seconds: 20, ratePerS: 12, seed: 5, mine })
  const found = [...(await tvl()), ...(await admin()), ...(await large()), ...(await pulls())]
  expect(
    found
      .filter(({ severity }) => severity !== 'Low' && severity !== 'Info')
      .map(({ description }) => description),
  ).toEqual([])
})

test('behavior: the attack is seen from every side, and each change is told once', async () => {
  const attack = await runAttack({ deployment: demo, drains: 4, mine })
  expect(attack.drains).toBe(4)
  const thief = demo.actors.attacker.address

  const drops = await tvl([vaultThing()])
  const inBlock = drops.filter(({ alertId }) => alertId === 'TVL-DROP-BLOCK')
  const drainBlocks = attack.steps
    .filter(({ takenUnits }) => takenUnits > 0n)
    .map((step) => step.block)
  expect(inBlock.map(({ blockNumber }) => blockNumber)).toEqual(drainBlocks)
  expect(new Set(inBlock.map(({ severity }) => severity))).toEqual(new Set(['Critical']))
  expect(inBlock[0]?.metadata).toMatchObject({
    recipient: thief,
    caller: thief,
    dropBps: '900',
    matchedByShares: 'no',
  })
  expect(drops.filter(({ alertId }) => alertId === 'TVL-DROP')[0]).toMatchObject({
    severity: 'Critical',
    condition: 'holds',
  })

  const changes = await admin()
  expect(brief(changes).sort()).toEqual([
    ['ADMIN-CALL', 'High', 'vault'],
    ['ADMIN-CALL', 'High', 'vault'],
    ['ADMIN-CALL', 'High', 'vault'],
    ['ADMIN-CALL', 'High', 'vault'],
    ['ADMIN-CALL', 'High', 'vault'],
    ['ADMIN-CALL-FAILED', 'Low', 'vault'],
    ['REINITIALISED', 'Critical', 'vault'],
    ['ROLE-CHANGED', 'Critical', 'vote'],
    ['ROLE-CHANGED', 'High', 'vault'],
  ])
  const silent = changes.find(({ metadata }) => metadata['function'] === 'setFeeRecipient(address)')
  expect(silent?.metadata).toMatchObject({ seenIn: 'trace', sender: thief })
  expect(changes.find(({ alertId }) => alertId === 'REINITIALISED')?.metadata).toMatchObject({
    function: 'initializeV2(address)',
  })

  const pulled = await pulls()
  expect(
    pulled
      .filter(({ alertId }) => alertId === 'LIQUIDITY-PULL')
      .map(({ thing }) => thing)
      .sort(),
  ).toEqual(['pair', 'pool'])
  expect(pulled.every(({ metadata }) => metadata['caller'] === demo.actors.whale.address)).toBe(
    true,
  )
})

describe('tvl-drop', () => {
  test.each([
    [0n, []],
    [1n, [['TVL-DROP-BLOCK', 'Medium', 'vault']]],
  ])('behavior: five per cent plus %i units withdrawn', async (more, expected) => {
    const { vault, actors } = demo
    const twentieth = (await read(vault, 'totalAssets')) / 20n
    expect(((await read(vault, 'totalAssets')) * 500n) % 10_000n).toBe(0n)
    const holder = actors.treasury.address
    await block([callOf(holder, vault, 'withdraw', [twentieth + more, holder, holder])])
    await mine()
    const found = await tvl([vaultThing()])
    expect(brief(found)).toEqual(expected)
    for (const { metadata } of found)
      expect(metadata).toMatchObject({ matchedByShares: 'yes', recipient: holder })
  })

  test('behavior: exactly ten per cent in small parts is silent, a unit more holds', async () => {
    const { vault, actors } = demo
    const holder = actors.treasury.address
    const total = await read(vault, 'totalAssets')
    const withdraw = (units: bigint) =>
      block([callOf(holder, vault, 'withdraw', [units, holder, holder])])
    for (let i = 0; i < 4; i++) await withdraw(total / 40n)
    expect(await tvl([vaultThing()])).toEqual([])
    await withdraw(1n)
    expect(await tvl([vaultThing()])).toMatchObject([
      { alertId: 'TVL-DROP', severity: 'Medium', condition: 'holds' },
    ])
  })

  test('behavior: what is deposited and withdrawn in one block is silent', async () => {
    const { vault, usd, actors, users } = demo
    const whale = actors.whale.address
    const [user] = users
    if (!user) throw new Error('no users')
    await block([
      callOf(whale, usd, 'approve', [vault.address, 3_000_000n * USD]),
      callOf(whale, vault, 'deposit', [3_000_000n * USD, whale]),
      callOf(whale, vault, 'redeem', [3_000_000n * USD, whale, whale]),
    ])
    await mine()
    expect(await tvl([vaultThing()])).toEqual([])
  })
})

describe('liquidity-pull', () => {
  const removeV2 = (lp: bigint, from = demo.actors.marketMaker.address) =>
    callOf(from, demo.v2Router, 'removeLiquidity', [
      demo.usd.address,
      demo.weth.address,
      lp,
      0n,
      0n,
      from,
      FOREVER,
    ])
  const decrease = (liquidity: bigint) =>
    callOf(demo.actors.marketMaker.address, demo.positions, 'decreaseLiquidity', [
      {
        tokenId: demo.tokenIds.marketMaker,
        liquidity,
        amount0Min: 0n,
        amount1Min: 0n,
        deadline: FOREVER,
      },
    ])

  test('behavior: v2: five per cent of the shares is silent, one more is told; tvl-drop agrees', async () => {
    const twentieth = (await read(demo.pair, 'totalSupply')) / 20n
    await block([removeV2(twentieth)])
    expect(await pulls()).toEqual([])
    await anvil.rpc('evm_revert', [snapshot])
    snapshot = await anvil.rpc('evm_snapshot')
    sender = await createSender({ rpcUrl: anvil.url })
    await mine()
    await mine()
    await block([removeV2(twentieth + 1n)])
    const found = await pulls()
    expect(found).toMatchObject([{ alertId: 'LIQUIDITY-PULL', severity: 'High', thing: 'pair' }])
    expect(found[0]?.metadata['owners']).toBe(demo.actors.marketMaker.address)
    expect(found[0]?.metadata['caller']).toBe(demo.actors.marketMaker.address)
  })

  test('behavior: v3: five per cent of the liquidity in range is silent, one more is told', async () => {
    const twentieth = (await read(demo.pool, 'liquidity')) / 20n
    await block([decrease(twentieth)])
    expect(await pulls()).toEqual([])
    const rest = (await read(demo.pool, 'liquidity')) / 20n
    await block([decrease(rest + 1n)])
    expect(await pulls()).toMatchObject([
      {
        alertId: 'LIQUIDITY-PULL',
        severity: 'High',
        thing: 'pool',
        metadata: { caller: demo.actors.marketMaker.address },
      },
    ])
  })

  test('behavior: v3: a swap through the edge of a thick position is silent, and so is pulling it out of range', async () => {
    const [user] = demo.users
    if (!user) throw new Error('no users')
    const whale = demo.actors.whale.address
    const narrow = mintPosition(demo, {
      recipient: user.address,
      usdUnits: 150_000n * USD,
      wei: 75n * ETHER,
      width: 300,
    })
    const [minted] = await block([
      callOf(user.address, demo.positions, 'mint', narrow, { gas: 1_000_000n }),
    ])
    const tokenId = BigInt(
      minted?.logs.find(
        ({ address, topics }) => address === demo.positions.address && topics.length === 4,
      )?.topics[3] ?? 0,
    )
    start = (await head()) + 1
    await mine()
    const before = await read(demo.pool, 'liquidity')
    const swap = callOf(
      whale,
      demo.v3Router,
      'exactInputSingle',
      [
        {
          tokenIn: demo.usd.address,
          tokenOut: demo.weth.address,
          fee: V3_FEE,
          recipient: whale,
          deadline: FOREVER,
          amountIn: 2_000_000n * USD,
          amountOutMinimum: 0n,
          sqrtPriceLimitX96: 0n,
        },
      ],
      { gas: 2_000_000n },
    )
    await block([swap])
    // More than half of the liquidity in range is gone, by the price alone.
    expect((await read(demo.pool, 'liquidity')) * 2n).toBeLessThan(before)
    const liquidity = await readChain(anvil.url).positionLiquidity(demo, tokenId)
    await block([
      callOf(user.address, demo.positions, 'decreaseLiquidity', [
        { tokenId, liquidity, amount0Min: 0n, amount1Min: 0n, deadline: FOREVER },
      ]),
    ])
    expect(await pulls()).toEqual([])
    expect(await tvl([poolThing()] as never)).toEqual([])
  })

  test('behavior: what is taken out and put back in one block is silent, in v2 and v3', async () => {
    const maker = demo.actors.marketMaker.address
    const [usd, weth] = [demo.usd.address, demo.weth.address]
    const tenth = (await read(demo.pair, 'totalSupply')) / 10n
    const [usdIn, wethIn] = await Promise.all([
      read(demo.usd, 'balanceOf', [demo.pair.address]),
      read(demo.weth, 'balanceOf', [demo.pair.address]),
    ])
    await block([
      removeV2(tenth),
      callOf(maker, demo.v2Router, 'addLiquidity', [
        usd,
        weth,
        usdIn / 10n,
        wethIn / 10n,
        0n,
        0n,
        maker,
        FOREVER,
      ]),
    ])
    const liquidity = (await read(demo.pool, 'liquidity')) / 10n
    const tokenId = demo.tokenIds.marketMaker
    const desired =
      usd < weth
        ? { amount0Desired: 400_000n * USD, amount1Desired: 200n * ETHER }
        : { amount0Desired: 200n * ETHER, amount1Desired: 400_000n * USD }
    await block([
      decrease(liquidity),
      callOf(
        maker,
        demo.positions,
        'increaseLiquidity',
        [{ tokenId, ...desired, amount0Min: 0n, amount1Min: 0n, deadline: FOREVER }],
        { gas: 600_000n },
      ),
    ])
    expect(await pulls()).toEqual([])
    // More was put back than was taken, so part of what leaves now had just come.
    await block([decrease(liquidity)])
    expect(brief(await pulls())).toEqual([['LIQUIDITY-PULL', 'Medium', 'pool']])
  })
})

describe('large-transfer', () => {
  test('behavior: exactly a million is silent, a unit more is told', async () => {
    const send = (units: bigint) =>
      callOf(demo.actors.whale.address, demo.usd, 'transfer', [demo.actors.deployer.address, units])
    await block([send(1_000_000n * USD)])
    expect(await large()).toEqual([])
    await block([send(1_000_000n * USD + 1n)])
    const found = await large()
    expect(brief(found)).toEqual([['LARGE-TRANSFER', 'Medium', 'usd']])
    expect(found[0]?.metadata).toMatchObject({
      symbol: 'dUSD',
      decimals: '6',
      amount: '1,000,000.000001',
    })
  })

  test('behavior: a treasury by its own threshold, tokens and native coin alike', async () => {
    const treasury = demo.actors.treasury.address
    const other = demo.actors.deployer.address
    await block([
      callOf(treasury, demo.usd, 'transfer', [other, 100_000n * USD]),
      { from: treasury, to: other, valueWei: 100n * ETHER },
    ])
    expect(await large()).toEqual([])
    await block([
      callOf(treasury, demo.usd, 'transfer', [other, 100_000n * USD + 1n]),
      { from: treasury, to: other, valueWei: 100n * ETHER + 1n },
    ])
    expect((await large()).map(({ alertId, metadata }) => [alertId, metadata['kind']])).toEqual([
      ['TREASURY-TRANSFER', 'native'],
      ['TREASURY-TRANSFER', 'transfer'],
    ])
  })
})

describe('admin-call', () => {
  const bySafe = (to: `0x${string}`, data: `0x${string}`) =>
    readChain(anvil.url)
      .safeNonce(demo)
      .then((nonce) => safeTransaction(demo, { to, data, nonce }))

  test('behavior: an upgrade by the Safe: told once, confirmed by the slot, Info when the Safe is allowed to', async () => {
    const { vault, vaultImplementation, actors } = demo
    const bytecode = await anvil.rpc<`0x${string}`>('eth_getCode', [
      vaultImplementation.address,
      'latest',
    ])
    const next = '0x00000000000000000000000000000000000c0de1'
    await anvil.rpc('anvil_setCode', [next, bytecode])
    const refused = encodeFunctionData({
      abi: vault.abi,
      functionName: 'upgradeToAndCall',
      args: [next, '0x'],
    })
    // The new code knows itself by another address: UUPS refuses it, and the Safe says so.
    await block([await bySafe(vault.address, refused)], 'reverted')
    expect(brief(await admin())).toEqual([])
    const same = encodeFunctionData({
      abi: vault.abi,
      functionName: 'upgradeToAndCall',
      args: [vaultImplementation.address, '0x'],
    })
    await block([await bySafe(vault.address, same)])
    const found = await admin()
    expect(found).toMatchObject([
      {
        alertId: 'PROXY-CHANGED',
        severity: 'Critical',
        metadata: {
          confirmedBySlot: 'yes',
          caller: demo.safe.address,
          sender: actors.safeOwnerA.address,
        },
      },
    ])
    expect(brief(await admin({ allowedCallers: [demo.safe.address] }))).toEqual([
      ['PROXY-CHANGED', 'Info', 'vault'],
    ])
  })

  test('behavior: a slot that changes silently is Critical', async () => {
    await anvil.rpc('anvil_setStorageAt', [
      demo.vault.address,
      IMPLEMENTATION_SLOT,
      `0x${'0'.repeat(24)}${demo.usd.address.slice(2)}`,
    ])
    await mine()
    await mine()
    expect(await admin()).toMatchObject([
      { alertId: 'ADMIN-SLOT-CHANGED', severity: 'Critical', thing: 'vault' },
    ])
  })

  test("behavior: the Safe's own owners; a grant by it; a stranger's attempt", async () => {
    const stranger = demo.actors.attacker.address
    await block([
      await bySafe(
        demo.safe.address,
        encodeFunctionData({
          abi: demo.safe.abi,
          functionName: 'addOwnerWithThreshold',
          args: [stranger, 1n],
        }),
      ),
    ])
    await block(
      [callOf(stranger, demo.vault, 'grantRole', [keccak256(toHex('PAUSER_ROLE')), stranger])],
      'reverted',
    )
    await block([callOf(demo.actors.pauser.address, demo.vault, 'pause', [])])
    const found = await admin()
    expect(brief(found)).toEqual([
      ['MULTISIG-CHANGED', 'High', 'safe'],
      ['MULTISIG-CHANGED', 'Critical', 'safe'],
      ['ADMIN-CALL-FAILED', 'Low', 'vault'],
      ['PAUSE-CHANGED', 'Medium', 'vault'],
    ])
  })
})
