import { type BlockInput, botConformance, createBotHarness, encodeLog } from 'tocsin/testing'
import { encodeAbiParameters, getContractAddress, parseAbi, toFunctionSelector } from 'viem'
import { describe, expect, test } from 'vitest'
import { erc20Abi } from '../../abis/index.ts'
import { attackerPreparation } from './bot.ts'

type Hex = `0x${string}`
const VAULT = '0x1234567890abcdef1234567890abcdef12345678'
const USD = '0x00000000000000000000000000000000000000b1'
const EVE = '0x00000000000000000000000000000000000000e1'
const MIXER = '0x00000000000000000000000000000000000000c1'
const BRIDGE = '0x00000000000000000000000000000000000000c2'
const OWN = '0x00000000000000000000000000000000000000d1'
const vaultAbi = parseAbi([
  'function harvest(uint256 id)',
  'function migrateAll(address to)',
  'function withdraw(uint256, address, address)',
])
const things = [
  { kind: 'vault', name: 'vault', address: VAULT, abi: vaultAbi },
  { kind: 'token', name: 'usd', address: USD },
] as const
const labels = [
  { address: MIXER, name: 'A mixer', tags: ['mixer'] },
  { address: BRIDGE, name: 'A bridge', tags: ['bridge'] },
  { address: OWN, name: 'ours', tags: ['own'] },
] as const
const FLASH = toFunctionSelector('function onFlashLoan(address,address,uint256,uint256,bytes)')
const push4 = (...selectors: readonly Hex[]): string =>
  selectors.map((one) => `63${one.slice(2)}`).join('14')
const code = (...parts: readonly string[]): Hex => `0x6080604052${parts.join('50')}00`
const ADDRESS = `73${VAULT.slice(2)}`
const FUNCTIONS = push4(...vaultAbi.slice(0, 2).map((item) => toFunctionSelector(item)))

const create = (input: Hex, nonce = 0n, from: Hex = EVE): BlockInput => ({
  txs: [{ from, to: null, input, contractAddress: getContractAddress({ from, nonce }) }],
})
const tornado = parseAbi([
  'event Withdrawal(address to, bytes32 nullifierHash, address indexed relayer, uint256 fee)',
])
const mix = (to: Hex = EVE): BlockInput => ({
  logs: [
    encodeLog({
      abi: tornado,
      eventName: 'Withdrawal',
      args: { to, nullifierHash: `0x${'11'.repeat(32)}`, relayer: USD, fee: 0n },
      address: MIXER,
    }),
  ],
})
const start = (parameters: Record<string, unknown> = {}) =>
  createBotHarness(attackerPreparation, { things, labels: [...labels], parameters })
const brief = (rows: readonly { alertId: string; severity: string; thing: string | null }[]) =>
  rows.map(({ alertId, severity, thing }) => `${alertId} ${severity} ${thing}`)

describe('preparation', () => {
  test('behavior: paid by a mixer, borrows, and names the vault: High, with all of it told', async () => {
    const harness = await start()
    expect(await harness.block(mix())).toEqual([])
    expect(await harness.block(create(code(push4(FLASH), ADDRESS)))).toMatchObject([
      {
        alertId: 'ATTACK-PREPARED',
        severity: 'High',
        thing: 'vault',
        metadata: {
          deployer: EVE,
          nonce: '0',
          callbacks: 'onFlashLoan',
          fundedBy: 'A mixer',
          namedBy: 'address',
        },
      },
    ])
    await harness.stop()
  })

  test.each([
    ['fresh, by address', code(ADDRESS), 0n, ['ATTACK-PREPARED Medium vault']],
    ['fresh, by functions', code(FUNCTIONS), 5n, ['ATTACK-PREPARED Low vault']],
    [
      'fresh, by functions, borrows',
      code(FUNCTIONS, push4(FLASH)),
      0n,
      ['ATTACK-PREPARED Medium vault'],
    ],
    ['old, by address', code(ADDRESS), 6n, []],
    ['old, by address, borrows', code(ADDRESS, push4(FLASH)), 9n, ['ATTACK-PREPARED Low vault']],
    ['fresh, borrows, names nothing', code(push4(FLASH)), 0n, []],
    ['fresh, one function', code(FUNCTIONS.slice(0, 10)), 0n, []],
    ['fresh, names a token', code(`73${USD.slice(2)}`), 0n, []],
    [
      'fresh, functions of every vault',
      code(push4('0xb460af94', '0xba087652', '0x6e553f65')),
      0n,
      [],
    ],
    ['selectors that are no operands', code(FUNCTIONS.replaceAll('63', '61')), 0n, []],
  ] as const)('behavior: %s', async (_, input, nonce, expected) => {
    const harness = await start()
    expect(brief(await harness.block(create(input, nonce)))).toEqual(expected)
    await harness.stop()
  })

  test('behavior: a target in the constructor’s arguments counts, also through a common factory', async () => {
    const harness = await start()
    const argument = encodeAbiParameters([{ type: 'address' }], [VAULT]).slice(2)
    expect(await harness.block(create(code(push4(FLASH), argument)))).toHaveLength(1)
    await harness.block(mix())
    expect(
      brief(
        await harness.block({
          txs: [
            {
              from: EVE,
              to: '0x4e59b44847b379578588920ca78fbf26c0b4956c',
              input: code(push4(FLASH), ADDRESS),
            },
          ],
        }),
      ),
    ).toEqual(['ATTACK-PREPARED High vault'])
    await harness.stop()
  })

  test('behavior: money from a mixer two days ago, own deployers, and failed creations are silent', async () => {
    const harness = await start()
    await harness.block(mix())
    await harness.block({ afterS: 172_800 })
    expect(await harness.block(create(code(push4(FLASH)), 9n))).toEqual([])
    expect(await harness.block(create(code(ADDRESS, push4(FLASH)), 0n, OWN))).toEqual([])
    const [failed] = create(code(ADDRESS, push4(FLASH))).txs ?? []
    expect(await harness.block({ txs: [{ ...failed, status: 'reverted' }] })).toEqual([])
    await harness.stop()
  })

  test('behavior: coin and tokens from labels are funding; a bridge counts for the fresh only', async () => {
    const harness = await start()
    await harness.block({ txs: [{ from: MIXER, to: EVE, value: 1n }] })
    expect(brief(await harness.block(create(code(FUNCTIONS), 9n)))).toEqual([
      'ATTACK-PREPARED Medium vault',
    ])
    await harness.stop()
    const bridged = await start()
    const transfer = encodeLog({
      abi: erc20Abi,
      eventName: 'Transfer',
      args: { from: BRIDGE, to: EVE, value: 9n },
      address: USD,
    })
    await bridged.block({ logs: [transfer] })
    expect(brief(await bridged.block(create(code(FUNCTIONS), 0n)))).toEqual([
      'ATTACK-PREPARED Medium vault',
    ])
    expect(await bridged.block(create(code(ADDRESS), 9n))).toEqual([])
    await bridged.stop()
  })

  test('behavior: what three others built upon is a habit', async () => {
    const harness = await start()
    const from = (n: number): Hex => `0x${n.toString(16).padStart(40, '7')}`
    for (const n of [1, 2, 3])
      expect(await harness.block(create(code(ADDRESS), 0n, from(n)))).toHaveLength(1)
    expect(await harness.block(create(code(ADDRESS), 0n, from(4)))).toEqual([])
    await harness.block(mix())
    expect(brief(await harness.block(create(code(ADDRESS, push4(FLASH)))))).toEqual([
      'ATTACK-PREPARED Low vault',
    ])
    await harness.stop()
  })
})

describe('suspects that act', () => {
  const contract = getContractAddress({ from: EVE, nonce: 0n }).toLowerCase() as Hex
  const strike = (severity: 'Low' | 'Medium' | 'High', to: Hex = contract): BlockInput => ({
    txs: [{ from: EVE, to }],
    findings: [{ botId: 'tvl-drop', alertId: 'TVL-DROP-BLOCK', thing: 'vault', severity, tx: 0 }],
  })

  test('behavior: what a suspect does is one severity graver, told once and again when it is worse', async () => {
    const harness = await start()
    expect(await harness.block(strike('Medium'))).toEqual([])
    // Names nothing, and is remembered without a word.
    expect(await harness.block(create(code(push4(FLASH))))).toEqual([])
    expect(await harness.block(strike('Medium'))).toMatchObject([
      { alertId: 'PREPARED-ATTACK', severity: 'High', metadata: { contract, leadS: '12' } },
    ])
    expect(await harness.block(strike('Medium'))).toEqual([])
    expect(brief(await harness.block(strike('High')))).toEqual(['PREPARED-ATTACK Critical vault'])
    await harness.stop()
  })

  test('behavior: others, later than two days, or by findings of traffic, it is not', async () => {
    const harness = await start()
    await harness.block(create(code(push4(FLASH))))
    const other = strike('High', USD)
    expect(await harness.block({ ...other, txs: [{ from: OWN, to: USD }] })).toEqual([])
    expect(
      await harness.block({
        ...strike('High'),
        findings: [{ botId: 'activity', alertId: 'FUNCTION-FAILING', thing: 'vault', tx: 0 }],
      }),
    ).toEqual([])
    expect(await harness.block({ ...strike('High'), afterS: 172_801 })).toEqual([])
    await harness.stop()
  })

  test('behavior: an attack in the constructor is known in its own block', async () => {
    const harness = await start()
    const { txs = [] } = create(code(push4(FLASH), ADDRESS))
    const found = await harness.block({
      txs,
      findings: [{ botId: 'tvl-drop', alertId: 'TVL-DROP-BLOCK', thing: 'vault', tx: 0 }],
    })
    expect(brief(found)).toEqual(['ATTACK-PREPARED Medium vault', 'PREPARED-ATTACK Critical vault'])
    await harness.stop()
  })
})

describe('conformance', () => {
  const scenario: readonly BlockInput[] = [
    mix(),
    create(code(push4(FLASH), ADDRESS)),
    {
      txs: [{ from: EVE, to: VAULT }],
      findings: [{ botId: 'tvl-drop', alertId: 'TVL-DROP-BLOCK', thing: 'vault', tx: 0 }],
    },
  ]
  const benign: readonly BlockInput[] = [mix(), create(code(push4(FLASH)), 9n, OWN)]
  for (const { name, run } of botConformance(attackerPreparation, {
    things,
    labels: [...labels],
    scenario,
    benign,
  }))
    test(name, run)
})
