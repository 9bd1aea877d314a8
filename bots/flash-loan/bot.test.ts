import {
  type AlertInput,
  type BlockInput,
  botConformance,
  createBotHarness,
  encodeLog,
  REVERTS,
} from 'tocsin/testing'
import { type Abi, parseAbi } from 'viem'
import { expect, test } from 'vitest'
import { erc20Abi, uniswapV2PairAbi, uniswapV3PoolAbi } from '../../abis/index.ts'
import { flashLoan } from './bot.ts'

const VAULT = '0x00000000000000000000000000000000000000a1'
const MARKET = '0x00000000000000000000000000000000000000a2'
const TOKEN = '0x00000000000000000000000000000000000000a3'
const LENDER = '0x00000000000000000000000000000000000000b1'
const THIEF = '0x00000000000000000000000000000000000000f1'
const ZERO = '0x0000000000000000000000000000000000000000'

const things = [
  { kind: 'vault', name: 'vault', address: VAULT, protocol: 'acme' },
  { kind: 'lending-market', name: 'market', address: MARKET, variant: 'aave-v3' },
] as const
const events = parseAbi([
  'event FlashLoan(address indexed target, address initiator, address indexed asset, uint256 amount, uint8 interestRateMode, uint256 premium, uint16 indexed referralCode)',
])
const balancer = parseAbi([
  'event FlashLoan(address indexed recipient, address indexed token, uint256 amount, uint256 feeAmount)',
])
const maker = parseAbi([
  'event FlashLoan(address indexed receiver, address token, uint256 amount, uint256 fee)',
])
const morpho = parseAbi([
  'event FlashLoan(address indexed caller, address indexed token, uint256 assets)',
])
const lender = parseAbi(['function maxFlashLoan(address token) view returns (uint256)'])

const emit = (abi: Abi, eventName: string, args: Record<string, unknown>, address = LENDER) =>
  encodeLog({ abi, eventName, args, address: address as typeof LENDER })
const move = (from: string, to: string, value = 5_000_000n) =>
  emit(erc20Abi, 'Transfer', { from, to, value }, TOKEN)
const touch = emit(erc20Abi, 'Transfer', { from: ZERO, to: THIEF, value: 1n }, VAULT)
const there = move(LENDER, THIEF)
const back = move(THIEF, LENDER)
const swap = emit(uniswapV2PairAbi, 'Swap', {
  sender: THIEF,
  amount0In: 1n,
  amount1In: 0n,
  amount0Out: 1n,
  amount1Out: 0n,
  to: THIEF,
})
const amount = 5_000_000n
const aave = emit(events, 'FlashLoan', {
  target: THIEF,
  initiator: THIEF,
  asset: TOKEN,
  amount,
  interestRateMode: 0,
  premium: 5n,
  referralCode: 0,
})
const drop: AlertInput = {
  botId: 'tvl-drop',
  alertId: 'TVL-DROP-BLOCK',
  name: 'Value lost',
  thing: 'vault',
  tx: 0,
}
const state: Pick<BlockInput, 'calls'> = {
  calls: [
    { address: TOKEN, abi: erc20Abi, functionName: 'decimals', result: 6 },
    { address: TOKEN, abi: erc20Abi, functionName: 'symbol', result: 'USD' },
    { address: LENDER, abi: lender, functionName: 'maxFlashLoan', result: REVERTS },
  ],
}
const play = async (block: BlockInput) => {
  const harness = await createBotHarness(flashLoan, { things })
  await harness.block(state)
  const found = await harness.block(block)
  await harness.stop()
  return found
}
type Logs = NonNullable<BlockInput['logs']>
const attack = (logs: Logs, finding: Partial<AlertInput> = {}): BlockInput => ({
  txs: [{ from: THIEF, logs: [...logs, touch] }],
  findings: [{ ...drop, ...finding }],
})

const KINDS: readonly (readonly [string, Logs])[] = [
  ['aave-v3', [there, back, aave]],
  [
    'balancer-v2',
    [
      there,
      back,
      emit(balancer, 'FlashLoan', { recipient: THIEF, token: TOKEN, amount, feeAmount: 0n }),
    ],
  ],
  [
    'maker',
    [
      move(ZERO, THIEF),
      emit(maker, 'FlashLoan', { receiver: THIEF, token: TOKEN, amount, fee: 0n }),
    ],
  ],
  [
    'morpho',
    [there, back, emit(morpho, 'FlashLoan', { caller: THIEF, token: TOKEN, assets: amount })],
  ],
  [
    'uniswap-v3',
    [
      there,
      back,
      emit(uniswapV3PoolAbi, 'Flash', {
        sender: THIEF,
        recipient: THIEF,
        amount0: amount,
        amount1: 0n,
        paid0: 5n,
        paid1: 0n,
      }),
    ],
  ],
  ['uniswap-v2', [there, back, swap]],
]

test.each(KINDS)(
  'behavior: %s: the finding is raised by a level, with the loan as evidence',
  async (by, logs) => {
    const [finding, ...more] = await play(attack(logs))
    expect(more).toEqual([])
    expect(finding).toMatchObject({
      alertId: 'FLASH-LOAN',
      severity: 'Critical',
      thing: 'vault',
      protocol: 'acme',
      metadata: {
        findingBot: 'tvl-drop',
        severityBefore: 'High',
        severityAfter: 'Critical',
        amounts: '5 USD',
        caller: THIEF,
        loanCount: '1',
      },
    })
    expect(finding?.metadata['loans']).toBe(
      `${by}, lender ${LENDER}, borrower ${THIEF}, token ${TOKEN}, units 5000000`,
    )
    expect(finding?.txHash).toBe(finding?.metadata['tx'])
  },
)

test('behavior: a lender of ERC-3156 counts when it says that it is one, a flash mint too', async () => {
  const answer = { address: LENDER, abi: lender, functionName: 'maxFlashLoan', result: 1n } as const
  expect(await play(attack([there, back]))).toEqual([])
  const [lent] = await play({ ...attack([there, back]), calls: [answer] })
  expect(lent?.metadata['loans']).toContain('erc-3156')
  const mint = attack([move(ZERO, THIEF), move(THIEF, ZERO)])
  const [minted] = await play({ ...mint, calls: [{ ...answer, address: TOKEN }] })
  expect(minted?.metadata['loans']).toContain(`erc-3156, lender ${TOKEN}`)
})

test.each<[string, BlockInput]>([
  ['a loan without a finding', { txs: [{ logs: [there, back, aave, touch] }] }],
  ['a finding without a loan', attack([there])],
  ['an event without the money', attack([aave])],
  ['an ordinary swap: the pair is paid first', attack([back, there, swap])],
  ['more paid out than comes back', attack([there, move(THIEF, LENDER, amount - 1n)])],
  ['a Low finding', attack([there, back, aave], { severity: 'Low' })],
  ['set-up', attack([there, back, aave], { metadata: { setUp: 'yes' } })],
  ['what has ended', attack([there, back, aave], { condition: 'ended' })],
  [
    'the large transfer that the loan is',
    attack([there, back, aave], { alertId: 'LARGE-TRANSFER' }),
  ],
  ['a standing condition', attack([there, back, aave], { botId: 'utilisation' })],
  [
    'a finding on nothing',
    { ...attack([there, back, aave]), findings: [{ botId: 'x', alertId: 'X', tx: 0 }] },
  ],
  [
    'a loan in another transaction',
    { txs: [{ logs: [touch] }, { logs: [there, back, aave] }], findings: [drop] },
  ],
])('behavior: silent: %s', async (_, block) => {
  expect(await play(block)).toEqual([])
})

test('behavior: where the finding names no transaction, those that touch the thing count, but a lender’s own loans do not', async () => {
  const { tx: _, ...unnamed } = drop
  const logs = [there, back, aave]
  const txs = [{ logs }, { logs: [...logs, touch] }, { status: 'reverted', to: VAULT } as const]
  const found = await play({ txs, findings: [unnamed] })
  expect(found.map(({ thing }) => thing)).toEqual(['vault'])
  const own = logs.map((log) => (log === aave ? ({ ...log, address: MARKET } as const) : log))
  expect(await play({ txs: [{ logs: own }], findings: [{ ...unnamed, thing: 'market' }] })).toEqual(
    [],
  )
})

test('behavior: several findings in one transaction are one, as grave as the gravest', async () => {
  const medium: AlertInput = { ...drop, botId: 'share-price', alertId: 'S', severity: 'Medium' }
  for (const findings of [
    [medium, drop],
    [drop, medium, medium],
  ]) {
    const found = await play({ ...attack([there, back, aave]), findings })
    expect(found.map(({ severity }) => severity)).toEqual(['Critical'])
  }
  expect((await play({ ...attack([there, back, aave]), findings: [medium] }))[0]?.severity).toBe(
    'High',
  )
})

for (const { name, run } of botConformance(flashLoan, {
  things,
  scenario: [state, attack([there, back, aave]), {}, attack([there, back, swap])],
  benign: [state, { txs: [{ logs: [there, back, aave, touch] }] }],
}))
  test(name, run)
