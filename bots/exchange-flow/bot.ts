import {
  type Address,
  addressTopic,
  type BotBlock,
  defineBot,
  type Finding,
  parseAmount,
  readToken,
  requireAbi,
  type TokenInfo,
} from 'tocsin'
import { erc20Abi } from '../../abis/index.ts'
import { followNetFlow } from './netFlow.ts'
import { exchangeFlowParameters } from './parameters.ts'
import {
  directionOf,
  type FlowContext,
  type FlowThing,
  isExchange,
  type Move,
  readMove,
  roleOf,
  TRANSFER,
} from './party.ts'
import { followParty } from './partyFlow.ts'
import { reportNet, reportParty } from './report.ts'

type TokenThing = FlowThing & { readonly kind: 'token' }

const unitOf = async (ctx: FlowContext, token: Address): Promise<TokenInfo> => {
  const thing = ctx.thingAt(token)
  const known = thing?.kind === 'token' ? thing : undefined
  if (known?.decimals !== undefined && known.symbol !== undefined)
    return { address: token, decimals: known.decimals, symbol: known.symbol }
  const info = await readToken(ctx, token)
  return {
    ...info,
    decimals: known?.decimals ?? info.decimals,
    symbol: known?.symbol ?? info.symbol,
  }
}

const readUint = async (
  ctx: FlowContext,
  address: Address,
  functionName: 'totalSupply' | 'balanceOf',
  args: readonly Address[],
): Promise<bigint | undefined> => {
  const answer = await ctx.read.call<bigint>({ address, abi: erc20Abi, functionName, args })
  return answer.ok ? answer.value : undefined
}

const sum = (moves: readonly Move[]): bigint => moves.reduce((all, { units }) => all + units, 0n)
const largestOf = (moves: readonly Move[]): Move | undefined =>
  moves.reduce<Move | undefined>(
    (best, one) => (best && best.units >= one.units ? best : one),
    undefined,
  )

const examineNet = async (
  ctx: FlowContext,
  thing: TokenThing,
  moves: readonly Move[],
  supply: bigint,
): Promise<readonly Finding[]> => {
  const ins = moves.filter((move) => directionOf(ctx, move) === 'deposit')
  const outs = moves.filter((move) => directionOf(ctx, move) === 'withdrawal')
  const flow = { deposited: sum(ins), withdrawn: sum(outs) }
  const verdict = followNetFlow(ctx, thing.address, flow, supply, thing.parameters)
  const largest = largestOf(verdict?.isDeposit ? ins : outs)
  if (!verdict || !largest) return []
  return [reportNet(ctx, thing, await unitOf(ctx, thing.address), verdict, largest)]
}

/** What one watched party sent to exchanges, or had from them, in one token and block. */
const examineParty = async (
  ctx: FlowContext,
  thing: FlowThing,
  token: Address,
  moves: readonly Move[],
  supply: bigint,
): Promise<readonly Finding[]> => {
  const role = roleOf(thing)
  if (!role) return []
  const findings: Finding[] = []
  for (const direction of ['deposit', 'withdrawal'] as const) {
    const own = moves.filter(
      (move) =>
        (direction === 'deposit' ? move.from : move.to) === thing.address &&
        directionOf(ctx, move) === direction,
    )
    const last = own.at(-1)
    if (!last) continue
    const balance = await readUint(ctx, token, 'balanceOf', [thing.address])
    if (balance === undefined) continue
    const minUnits = (supply * BigInt(thing.parameters.minSupplyBps)) / 10_000n
    const flow = followParty(
      ctx,
      { thing, role },
      { asset: token, direction, units: sum(own), balance, minUnits },
    )
    if (!flow) continue
    const { decimals = 0, symbol } = await unitOf(ctx, token)
    const exchange = direction === 'deposit' ? last.to : last.from
    findings.push(
      reportParty(ctx, { thing, role }, { asset: token, decimals, symbol }, flow, {
        ...last,
        exchange,
      }),
    )
  }
  return findings
}

const examineToken = async (
  ctx: FlowContext,
  token: Address,
  moves: readonly Move[],
): Promise<readonly Finding[]> => {
  const supply = await readUint(ctx, token, 'totalSupply', [])
  // A token that does not say how much of it there is cannot be judged.
  if (supply === undefined || supply === 0n) return []
  const thing = ctx.thingAt(token)
  const findings = thing?.kind === 'token' ? [...(await examineNet(ctx, thing, moves, supply))] : []
  const parties = new Set(moves.flatMap(({ from, to }) => [from, to]))
  for (const address of parties) {
    const party = ctx.thingAt(address)
    if (party) findings.push(...(await examineParty(ctx, party, token, moves, supply)))
  }
  return findings
}

/** Native coin that a watched party sent to exchanges in plain transactions. */
const examineNative = async (
  ctx: FlowContext,
  thing: FlowThing,
  block: BotBlock,
): Promise<readonly Finding[]> => {
  const role = roleOf(thing)
  const sent = block.transactions.filter(
    ({ from, to, value, status }) =>
      from === thing.address &&
      to !== null &&
      status === 'success' &&
      (value ?? 0n) > 0n &&
      isExchange(ctx, to),
  )
  const last = sent.at(-1)
  if (!role || !last?.to || isExchange(ctx, thing.address)) return []
  const flow = followParty(
    ctx,
    { thing, role },
    {
      asset: 'native',
      direction: 'deposit',
      units: sent.reduce((all, { value }) => all + (value ?? 0n), 0n),
      balance: await ctx.read.balance(thing.address),
      minUnits: parseAmount(thing.parameters.minNative, 18),
    },
  )
  if (!flow) return []
  const unit = { asset: 'native', decimals: 18, symbol: 'native coin' } as const
  const move = { exchange: last.to, units: last.value ?? 0n, txHash: last.hash }
  return [reportParty(ctx, { thing, role }, unit, flow, move)]
}

const tokensOf = (thing: FlowThing): readonly Address[] =>
  thing.kind === 'treasury' ? thing.tokens.map((token) => token.toLowerCase() as Address) : []

/**
 * Deposits to and withdrawals from labelled exchanges. Kept per watched token: the samples of one window and at most
 * `historyH` sums of hours; per watched party and asset: the samples of one window, one per block with a flow.
 */
export const exchangeFlow = defineBot({
  id: 'exchange-flow',
  version: '1.0.0',
  summary:
    'More of a token goes to exchanges than usual, or a treasury, deployer or whale sends there what it holds.',
  parameters: exchangeFlowParameters,
  kinds: ['token', 'treasury', 'multisig', 'label'],
  alerts: [
    {
      id: 'EXCHANGE-NET-FLOW',
      title: 'Unusual net flow of exchanges',
      kind: 'event',
      severity: 'High',
    },
    {
      id: 'EXCHANGE-DEPOSIT',
      title: 'A watched party sends to an exchange',
      kind: 'event',
      severity: 'High',
    },
    {
      id: 'EXCHANGE-WITHDRAWAL',
      title: 'A watched party is funded from an exchange',
      kind: 'event',
      severity: 'Info',
    },
  ],
  needs: ({ things }) => {
    const tokens = things.filter((thing) => thing.kind === 'token')
    const parties = things.filter((thing) => roleOf(thing) !== undefined)
    for (const token of tokens)
      requireAbi('exchange-flow', token, { events: ['Transfer(address,address,uint256)'] })
    const logs = [
      ...(tokens.length > 0
        ? [{ address: tokens.map(({ address }) => address), topics: [TRANSFER] }]
        : []),
      ...parties.flatMap((thing) => {
        const own = tokensOf(thing)
        const topic = addressTopic(thing.address)
        return own.length === 0
          ? []
          : [
              { address: own, topics: [TRANSFER, topic] },
              { address: own, topics: [TRANSFER, null, topic] },
            ]
      }),
    ]
    return {
      logs,
      senders: parties.map(({ address }) => address),
      // With nothing but exchanges there is nothing to wait for, which is no fault.
      everyBlock: logs.length === 0 && parties.length === 0,
    }
  },
  handleBlock: async (block, ctx) => {
    const byToken = new Map<Address, Move[]>()
    for (const log of block.logs) {
      const move = readMove(log)
      if (!move || directionOf(ctx, move) === undefined) continue
      const known = byToken.get(move.token)
      if (known) known.push(move)
      else byToken.set(move.token, [move])
    }
    const findings: Finding[] = []
    for (const [token, moves] of byToken) findings.push(...(await examineToken(ctx, token, moves)))
    if (block.transactions.length > 0)
      for (const thing of ctx.things)
        if (roleOf(thing)) findings.push(...(await examineNative(ctx, thing, block)))
    return findings
  },
})
