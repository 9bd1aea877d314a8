import {
  type BlockInput,
  botConformance,
  createBotHarness,
  encodeLog,
  REVERTS,
} from 'tocsin/testing'
import { parseAbi } from 'viem'
import { describe, expect, test } from 'vitest'
import { erc20Abi, erc4626Abi, wethAbi } from '../../abis/index.ts'
import { mintAnomaly } from './bot.ts'

const USD = '0x00000000000000000000000000000000000000a1'
const VAULT = '0x00000000000000000000000000000000000000a2'
const ISSUER = '0x00000000000000000000000000000000000000c1'
const THIEF = '0x00000000000000000000000000000000000000c2'
const ALICE = '0x00000000000000000000000000000000000000b1'
const BOB = '0x00000000000000000000000000000000000000b2'
const POOL = '0x00000000000000000000000000000000000000d1'
const ZERO = '0x0000000000000000000000000000000000000000'
const ONE = 10n ** 6n
const SUPPLY = 1_000_000n * ONE
type Harness = Awaited<ReturnType<typeof createBotHarness>>
type Things = Parameters<typeof createBotHarness>[1]['things']

const usd = { kind: 'token', name: 'usd', address: USD, symbol: 'dUSD', decimals: 6 } as const
const vault = { kind: 'vault', name: 'vault', address: VAULT } as const

const transfer = (value: bigint, from: string, to: string, address: `0x${string}` = USD) =>
  encodeLog({ abi: erc20Abi, eventName: 'Transfer', args: { from, to, value }, address })
const supplyIs = (result: unknown): NonNullable<BlockInput['calls']>[number] => ({
  address: USD,
  abi: erc20Abi,
  functionName: 'totalSupply',
  result,
})
const balanceIs = (account: string, result: bigint, address: `0x${string}` = USD) => ({
  address,
  abi: erc20Abi,
  functionName: 'balanceOf',
  args: [account],
  result,
})
const mint = (
  supply: bigint,
  by: `0x${string}` = ISSUER,
  to: string = ALICE,
  before = SUPPLY,
): BlockInput => ({
  calls: [supplyIs(supply)],
  txs: [{ from: by, to: USD, logs: [transfer(supply - before, ZERO, to)] }],
})
const watch = async (things: Things = [usd], parameters: Record<string, unknown> = {}) => {
  const harness = await createBotHarness(mintAnomaly, { things, parameters, labels: [] })
  await harness.block({ calls: [supplyIs(SUPPLY)] })
  return harness
}
/** Ten small mints of the issuer; the supply afterwards. */
const learn = async (harness: Harness): Promise<bigint> => {
  let supply = SUPPLY
  for (let i = 0; i < 10; i++) {
    expect(await harness.block(mint(supply + ONE, ISSUER, ALICE, supply))).toEqual([])
    supply += ONE
  }
  return supply
}
const brief = (rows: readonly { alertId: string; severity: string }[]) =>
  rows.map(({ alertId, severity }) => `${alertId} ${severity}`)
const grown = (supply: bigint, bps: bigint) => supply + (supply * bps) / 10_000n

describe('jumps', () => {
  test('behavior: exactly a per cent is silent, a unit more Low, five High, twenty Critical', async () => {
    const once = async (supply: bigint) => {
      const harness = await watch()
      return brief(await harness.block(mint(supply)))
    }
    expect(await once(grown(SUPPLY, 100n))).toEqual([])
    expect(await once(grown(SUPPLY, 102n))).toEqual(['SUPPLY-JUMP Low'])
    expect(await once(grown(SUPPLY, 600n))).toEqual(['SUPPLY-JUMP High'])
    expect(await once(grown(SUPPLY, 100_000n))).toEqual(['SUPPLY-JUMP Critical'])
  })

  test('behavior: what is minted and burned in one block is silent', async () => {
    const harness = await watch()
    const much = 5n * SUPPLY
    expect(
      await harness.block({
        txs: [
          { from: ISSUER, to: USD, logs: [transfer(much, ZERO, BOB), transfer(much, BOB, ZERO)] },
        ],
      }),
    ).toEqual([])
  })

  test('behavior: evidence: amounts before and after, who, whose transaction', async () => {
    const harness = await watch()
    const [finding] = await harness.block(mint(2n * SUPPLY, THIEF, THIEF))
    expect(finding).toMatchObject({
      thing: 'usd',
      metadata: {
        beforeAmount: '1,000,000',
        afterAmount: '2,000,000',
        minter: THIEF,
        holder: THIEF,
        partBps: '10000',
        thresholdBps: '100',
      },
    })
    expect(finding?.txHash).toBe(finding?.metadata['tx'])
  })

  test('behavior: a jump that is usual on other days is a habit; today is none', async () => {
    const harness = await watch()
    let supply = SUPPLY
    const step = async (afterS: number) => {
      const next = grown(supply, 600n)
      const found = await harness.block({ ...mint(next, ISSUER, ALICE, supply), afterS })
      supply = next
      return brief(found)
    }
    expect(await step(12)).toEqual(['SUPPLY-JUMP High'])
    expect(await step(12)).toEqual(['SUPPLY-JUMP High'])
    expect(await step(86_400)).toEqual([])
  })

  test('behavior: small mints add up over an hour, told once, worse once, ended once', async () => {
    const harness = await watch()
    let supply = SUPPLY
    const seen: string[] = []
    for (let i = 0; i < 60; i++) {
      const next = grown(supply, 90n)
      const rows = await harness.block(mint(next, ISSUER, ALICE, supply))
      seen.push(
        ...rows.map(({ alertId, severity, condition }) => `${alertId} ${severity} ${condition}`),
      )
      supply = next
    }
    expect(seen).toEqual(['SUPPLY-JUMP-WINDOW High holds', 'SUPPLY-JUMP-WINDOW Critical holds'])
    const rows = await harness.mine(2, { afterS: 3_600 })
    expect(rows.map(({ alertId, condition }) => `${alertId} ${condition}`)).toEqual([
      'SUPPLY-JUMP-WINDOW ended',
    ])
  })
})

describe('minters', () => {
  test('behavior: a new minter is told by how much it made; the second time it is known', async () => {
    const harness = await watch()
    const supply = await learn(harness)
    const first = grown(supply, 50n)
    expect(brief(await harness.block(mint(first, THIEF, BOB, supply)))).toEqual([
      'NEW-MINTER Medium',
    ])
    const second = grown(first, 50n)
    expect(await harness.block(mint(second, THIEF, BOB, first))).toEqual([])
  })

  test('behavior: a new minter makes a jump one graver', async () => {
    const harness = await watch()
    const supply = await learn(harness)
    const rows = await harness.block(mint(grown(supply, 200n), THIEF, BOB, supply))
    expect(brief(rows)).toEqual(['SUPPLY-JUMP High'])
    expect(rows[0]?.metadata['minterIs']).toBe('new')
  })

  test('behavior: where anybody may mint nobody is new, and the list stays small', async () => {
    const harness = await watch()
    let supply = SUPPLY
    for (let i = 1; i <= 60; i++) {
      const by = `0x${i.toString(16).padStart(40, '0')}` as const
      const next = grown(supply, 2n)
      expect(await harness.block(mint(next, by, by, supply))).toEqual([])
      supply = next
    }
    const memory = JSON.stringify(await harness.memory(), (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    )
    expect(memory).toContain('"known":[]')
  })

  test('behavior: allowances of minters: as much as there is is High, a top-up of a known one Info', async () => {
    const abi = parseAbi([
      'event MinterConfigured(address indexed minter, uint256 minterAllowedAmount)',
      'event MinterRemoved(address indexed oldMinter)',
      'event MasterMinterChanged(address indexed newMasterMinter)',
    ])
    const harness = await watch()
    const supply = await learn(harness)
    const configured = (minter: string, minterAllowedAmount: bigint) =>
      encodeLog({
        abi,
        eventName: 'MinterConfigured',
        args: { minter, minterAllowedAmount },
        address: USD,
      })
    const rows = await harness.block({
      logs: [
        configured(THIEF, 2n ** 255n),
        configured(THIEF, supply / 5n),
        configured(BOB, supply / 100n),
        configured(ISSUER, supply / 100n),
        encodeLog({ abi, eventName: 'MinterRemoved', args: { oldMinter: BOB }, address: USD }),
        encodeLog({
          abi,
          eventName: 'MasterMinterChanged',
          args: { newMasterMinter: THIEF },
          address: USD,
        }),
      ],
    })
    expect(brief(rows)).toEqual([
      'MINTER-CAP High',
      'MINTER-CAP Medium',
      'MINTER-CAP Low',
      'MINTER-CAP Info',
      'MINTER-CAP Info',
      'MINTER-CAP High',
    ])
  })
})

describe('without an event', () => {
  test('behavior: a mint in secret, told by the balances of others that stay', async () => {
    const harness = await watch()
    const supply = await learn(harness)
    await harness.block({ calls: [balanceIs(ALICE, 10n * ONE)] })
    expect(brief(await harness.block({ calls: [supplyIs(grown(supply, 50n))] }))).toEqual([
      'SILENT-MINT High',
    ])
    expect(brief(await harness.block({ calls: [supplyIs(2n * supply)] }))).toEqual([
      'SILENT-MINT Critical',
    ])
  })

  test('behavior: a rebase moves every balance, and is silent at any size', async () => {
    const harness = await watch()
    const supply = await learn(harness)
    await harness.block({ calls: [balanceIs(ALICE, 10n * ONE)] })
    expect(
      await harness.block({
        calls: [supplyIs(grown(supply, 1_000n)), balanceIs(ALICE, 11n * ONE)],
      }),
    ).toEqual([])
    expect(await harness.block({ calls: [supplyIs(supply), balanceIs(ALICE, 10n * ONE)] })).toEqual(
      [],
    )
  })

  test('behavior: small steps of interest are silent for ever; a leap without witnesses is Critical', async () => {
    const harness = await watch()
    let supply = SUPPLY
    for (let i = 0; i < 40; i++) {
      supply = grown(supply, 8n)
      expect(await harness.block({ calls: [supplyIs(supply)], afterS: 86_400 })).toEqual([])
    }
    expect(brief(await harness.block({ calls: [supplyIs(grown(supply, 300n))] }))).toEqual([
      'SILENT-MINT Critical',
    ])
  })

  test('behavior: wrapped coin tells by Deposit and Withdrawal', async () => {
    const harness = await watch()
    const log = (eventName: 'Deposit' | 'Withdrawal', wad: bigint) =>
      encodeLog({
        abi: wethAbi,
        eventName,
        args: eventName === 'Deposit' ? { dst: ALICE, wad } : { src: ALICE, wad },
        address: USD,
      })
    expect(
      await harness.block({
        calls: [supplyIs(grown(SUPPLY, 60n))],
        logs: [log('Deposit', (SUPPLY * 60n) / 10_000n)],
      }),
    ).toEqual([])
    expect(
      await harness.block({
        calls: [supplyIs(SUPPLY)],
        logs: [log('Withdrawal', (SUPPLY * 60n) / 10_000n)],
      }),
    ).toEqual([])
  })

  test('error: a supply that does not answer is told once, Low', async () => {
    const harness = await createBotHarness(mintAnomaly, { things: [usd] })
    expect(brief(await harness.block({ calls: [supplyIs(REVERTS)] }))).toEqual([
      'SUPPLY-UNREADABLE Low',
    ])
    expect(await harness.block({ logs: [transfer(ONE, ZERO, ALICE)] })).toEqual([])
  })
})

describe('collateral', () => {
  const shares = (supply: bigint, assets: bigint): NonNullable<BlockInput['calls']> => [
    { address: VAULT, abi: erc4626Abi, functionName: 'totalSupply', result: supply },
    { address: VAULT, abi: erc4626Abi, functionName: 'totalAssets', result: assets },
    { address: VAULT, abi: erc20Abi, functionName: 'decimals', result: 6 },
    { address: VAULT, abi: erc20Abi, functionName: 'symbol', result: 'dv' },
  ]
  test('behavior: vaults: a whale that pays is silent; shares for nothing are told', async () => {
    const harness = await createBotHarness(mintAnomaly, { things: [vault] })
    await harness.block({ calls: shares(SUPPLY, 2n * SUPPLY) })
    const made = (value: bigint) => [transfer(value, ZERO, ALICE, VAULT)]
    expect(
      await harness.block({ calls: shares(9n * SUPPLY, 18n * SUPPLY), logs: made(8n * SUPPLY) }),
    ).toEqual([])
    // A fee in shares of half a per cent is worth a line, no more.
    const fee = grown(9n * SUPPLY, 50n)
    expect(
      brief(
        await harness.block({ calls: shares(fee, 18n * SUPPLY), logs: made(fee - 9n * SUPPLY) }),
      ),
    ).toEqual(['MINT-UNBACKED Low'])
    expect(
      brief(await harness.block({ calls: shares(2n * fee, 18n * SUPPLY), logs: made(fee) })),
    ).toEqual(['MINT-UNBACKED Critical'])
    // Yield is no mint.
    expect(await harness.block({ calls: shares(2n * fee, 36n * SUPPLY) })).toEqual([])
  })

  test('behavior: tokens that hold native coin: wrapping is silent, a bare mint Critical', async () => {
    const harness = await createBotHarness(mintAnomaly, { things: [usd] })
    await harness.block({ calls: [supplyIs(SUPPLY)], balances: { [USD]: SUPPLY } })
    expect(await harness.block({ ...mint(2n * SUPPLY), balances: { [USD]: 2n * SUPPLY } })).toEqual(
      [],
    )
    expect(brief(await harness.block(mint(3n * SUPPLY, THIEF, THIEF, 2n * SUPPLY)))).toEqual([
      'MINT-UNBACKED Critical',
    ])
  })
})

describe('burns', () => {
  const burn = (part: bigint, holder: string): BlockInput => ({
    calls: [
      supplyIs(SUPPLY - part),
      {
        address: POOL,
        abi: parseAbi(['function token0() view returns (address)']),
        functionName: 'token0',
        result: USD,
      },
    ],
    txs: [{ from: BOB, to: USD, logs: [transfer(part, holder, ZERO)] }],
  })
  test('behavior: redemptions are Low at most; half of the supply Medium', async () => {
    const run = async (part: bigint) => brief(await (await watch()).block(burn(part, BOB)))
    expect(await run(SUPPLY / 20n)).toEqual([])
    expect(await run(SUPPLY / 5n)).toEqual(['BURN-ANOMALY Low'])
    expect(await run((SUPPLY * 3n) / 5n)).toEqual(['BURN-ANOMALY Medium'])
  })
  test("behavior: a pool's holdings burned under it are High", async () => {
    const harness = await watch()
    expect(brief(await harness.block(burn(SUPPLY / 50n, POOL)))).toEqual(['BURN-ANOMALY High'])
  })
})

describe('conformance', () => {
  for (const { name, run } of botConformance(mintAnomaly, {
    things: [usd],
    scenario: [
      { calls: [supplyIs(SUPPLY)] },
      mint(SUPPLY + ONE),
      mint(SUPPLY + 2n * ONE, ISSUER, BOB, SUPPLY + ONE),
      {},
      mint(2n * SUPPLY, THIEF, THIEF, SUPPLY + 2n * ONE),
      { calls: [supplyIs(3n * SUPPLY)] },
      mint(grown(3n * SUPPLY, 90n), ISSUER, ALICE, 3n * SUPPLY),
    ],
    benign: [{ calls: [supplyIs(SUPPLY)] }, mint(SUPPLY + ONE), burn0()],
  }))
    test(name, run)
})

function burn0(): BlockInput {
  return {
    calls: [supplyIs(SUPPLY)],
    txs: [{ from: ALICE, to: USD, logs: [transfer(ONE, ALICE, ZERO)] }],
  }
}
