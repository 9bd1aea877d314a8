import {
  type Address,
  type AlertBlock,
  addressOfWord,
  addressTopic,
  type BotAlert,
  type BotBlock,
  type ChainLog,
  cleanText,
  defineBot,
  exceedsBps,
  type Finding,
  type Hex,
} from 'tocsin'
import { ownableAbi, uniswapV2PairAbi } from '../../abis/index.ts'
import {
  addSign,
  kindOf,
  type Minted,
  mintedKey,
  type RugContext,
  type RugThing,
  type Sign,
  subjectOf,
} from './ledger.ts'
import { rugPullParameters } from './parameters.ts'
import { reportRug } from './report.ts'
import { addTrade, lacksSells, NO_TRADES, type Trades } from './trades.ts'

const TRANSFER: Hex = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
const OWNERSHIP: Hex = '0x8be0079c531659141344cd1fd0a4f28419497f9722a3daafe3b4186f6b6457e0'
const ZERO = '0x0000000000000000000000000000000000000000'

type Token = RugThing & { readonly kind: 'token' }
type Pool = RugThing & { readonly kind: 'pool' }
const isToken = (thing: RugThing | undefined): thing is Token => thing?.kind === 'token'
const isPool = (thing: RugThing | undefined): thing is Pool => thing?.kind === 'pool'

/** Owners that were seen, the latest last; the last one is nobody once control is renounced. */
type Owners = { readonly known: readonly Address[]; readonly isRenounced: boolean }
const ownersKey = (token: Address): string => `owners:${token}`

const ownersOf = async (ctx: RugContext, token: Address): Promise<Owners> => {
  const known = ctx.state.get<Owners>(ownersKey(token))
  if (known) return known
  const answer = await ctx.read.call<Address>({
    address: token,
    abi: ownableAbi,
    functionName: 'owner',
    at: 'parent',
  })
  const owner = answer.ok ? (answer.value.toLowerCase() as Address) : undefined
  const owners = { known: owner && owner !== ZERO ? [owner] : [], isRenounced: owner === ZERO }
  ctx.state.set(ownersKey(token), owners)
  return owners
}

/** The watched token that a pool trades; the pool's own name stands where there is none. */
const tokenOfPool = async (ctx: RugContext, pool: Pool): Promise<Token | undefined> => {
  const key = `tokens:${pool.name}`
  let tokens = ctx.state.get<readonly Address[]>(key)
  if (!tokens) {
    const ask = (functionName: string) =>
      ctx.read.call<Address>({ address: pool.address, abi: uniswapV2PairAbi, functionName })
    const answers = await Promise.all([ask('token0'), ask('token1')])
    tokens = answers.flatMap((one) => (one.ok ? [one.value.toLowerCase() as Address] : []))
    ctx.state.set(key, tokens)
  }
  const watched = tokens.map((token) => ctx.thingAt(token)).filter(isToken)
  // Of two, the one that is not the money: who can be rugged has an owner. Undecided ones go by the protocol.
  return watched.find(({ protocol }) => protocol === pool.protocol) ?? watched[0]
}

const signOf = (
  ctx: RugContext,
  sign: Pick<Sign, 'kind' | 'text' | 'tx'>,
  thing: RugThing,
  finding?: string,
): Sign => ({
  ...sign,
  thing: thing.name,
  block: ctx.block.number,
  atS: ctx.block.timestampS,
  ...(finding === undefined ? {} : { finding }),
})

const tell = (ctx: RugContext, about: RugThing, sign: Sign): readonly Finding[] => {
  const subject = subjectOf(about)
  const signs = addSign(ctx, subject, sign)
  return signs ? [reportRug(ctx, subject, about, signs)] : []
}

/** Control that is handed on; one that comes back from nobody was never renounced. */
const noteOwner = async (
  ctx: RugContext,
  token: Token,
  log: ChainLog,
): Promise<readonly Finding[]> => {
  const [, before, after] = log.topics.map((topic) => addressOfWord(topic))
  if (before === undefined || after === undefined) return []
  const owners = await ownersOf(ctx, token.address)
  const known = [...new Set([...owners.known, before, after])].filter((one) => one !== ZERO)
  ctx.state.set(ownersKey(token.address), {
    known: known.slice(-8),
    isRenounced: after === ZERO,
  } satisfies Owners)
  if (!owners.isRenounced || after === ZERO) return []
  const text = 'ownership came back'
  return tell(ctx, token, signOf(ctx, { kind: 'control', text, tx: log.txHash }, token))
}

const noteSale = (
  ctx: RugContext,
  token: Token,
  log: ChainLog,
  sender: Address | undefined,
  from: Address,
): readonly Finding[] => {
  const key = mintedKey(token.address)
  const minted = ctx.state.get<Minted>(key)
  if (!minted || ctx.block.timestampS - minted.atS > ctx.parameters.windowS) return []
  const isHolder = minted.holders.includes(from) || (sender && minted.holders.includes(sender))
  if (!isHolder) return []
  const sold = minted.sold + BigInt(log.data)
  ctx.state.set(key, { ...minted, sold } satisfies Minted)
  const { saleBps } = ctx.parameters
  const isNew =
    exceedsBps(sold, minted.units, saleBps) && !exceedsBps(minted.sold, minted.units, saleBps)
  if (!isNew) return []
  const text = 'into a pool, by who got it'
  return tell(ctx, token, signOf(ctx, { kind: 'sale', text, tx: log.txHash }, token))
}

const noteTrades = (
  ctx: RugContext,
  token: Token,
  trades: readonly ('sell' | Address)[],
  last: ChainLog | undefined,
): readonly Finding[] => {
  const key = `trades:${token.address}`
  const before = ctx.state.get<Trades>(key) ?? NO_TRADES
  const after = trades.reduce(addTrade, before)
  ctx.state.set(key, after)
  if (!lacksSells(after, ctx.parameters) || lacksSells(before, ctx.parameters)) return []
  const text = `${after.run} buys by ${after.buyers.length} in a row and no sell`
  return tell(ctx, token, signOf(ctx, { kind: 'no-sells', text, tx: last?.txHash ?? null }, token))
}

const examineToken = async (
  ctx: RugContext,
  token: Token,
  block: BotBlock,
): Promise<readonly Finding[]> => {
  const findings: Finding[] = []
  const trades: ('sell' | Address)[] = []
  let last: ChainLog | undefined
  for (const log of block.logs) {
    if (log.address !== token.address) continue
    if (log.topics[0] === OWNERSHIP) findings.push(...(await noteOwner(ctx, token, log)))
    const from = addressOfWord(log.topics[1] ?? '0x')
    const to = addressOfWord(log.topics[2] ?? '0x')
    if (log.topics[0] !== TRANSFER || log.data.length !== 66 || !from || !to) continue
    const isIn = isPool(ctx.thingAt(to))
    if (isIn === isPool(ctx.thingAt(from))) continue
    trades.push(isIn ? 'sell' : to)
    last = log
    if (!isIn) continue
    const sender = block.transactions.find(({ hash }) => hash === log.txHash)?.from
    findings.push(...noteSale(ctx, token, log, sender, from))
  }
  return trades.length > 0 ? [...findings, ...noteTrades(ctx, token, trades, last)] : findings
}

const numberOf = (text: string | undefined): bigint =>
  text !== undefined && /^\d{1,78}$/.test(text) ? BigInt(text) : 0n

/** Who got the mint, and who made it, may sell it. */
const noteMint = (ctx: RugContext, token: Token, { metadata }: BotAlert): void => {
  const holders = [metadata['holder'], metadata['minter']].flatMap((one) =>
    one !== undefined && /^0x[0-9a-f]{40}$/.test(one) ? [one as Address] : [],
  )
  const units = numberOf(metadata['units'])
  if (holders.length === 0 || units === 0n) return
  ctx.state.set(mintedKey(token.address), {
    holders,
    units,
    sold: 0n,
    atS: ctx.block.timestampS,
  } satisfies Minted)
}

const examineAlert = async (
  alert: BotAlert,
  ctx: RugContext,
  block: AlertBlock,
): Promise<readonly Finding[]> => {
  const thing = ctx.things.find(({ name }) => name === alert.thing)
  const isOver = alert.condition === 'ended' || alert.condition === 'unknown'
  if (!thing || isOver || (alert.metadata['setUp'] ?? 'no') !== 'no') return []
  const token = isPool(thing) ? await tokenOfPool(ctx, thing) : isToken(thing) ? thing : undefined
  const owners = token && (await ownersOf(ctx, token.address))
  const sender = alert.txHash ? block.transaction(alert.txHash)?.from : undefined
  const kind = kindOf(alert, {
    isInsider: sender !== undefined && (owners?.known.includes(sender) ?? false),
    isRenounced: owners?.isRenounced ?? false,
    isToken: isToken(thing),
  })
  if (!kind) return []
  if (kind === 'mint' && token) noteMint(ctx, token, alert)
  const text = `${cleanText(alert.name, 120)}, ${alert.botId}`
  return tell(ctx, token ?? thing, signOf(ctx, { kind, text, tx: alert.txHash }, thing, alert.id))
}

/**
 * Those who made a token run away with what others paid for it: two different signs within a day. It combines what
 * liquidity-pull, mint-anomaly, admin-call and activity find with what it sees itself: minted tokens that are sold, buys
 * without sells, control that comes back after it was renounced. The border with correlation: that one asks for three
 * bots within minutes, or a change of control with value that leaves, of any protocol, and knows no story; here each
 * sign is a step of one story about one token and its pools, and a day may lie between them. State: for each protocol
 * or token five signs, one mint, eight owners, and four numbers with 64 buyers.
 */
export const rugPull = defineBot({
  id: 'rug-pull',
  version: '1.0.0',
  summary:
    'Those who made a token run away: two signs within a day of pulled liquidity, sold mints, blocked sells and control after it was renounced.',
  parameters: rugPullParameters,
  kinds: ['token', 'pool'],
  alerts: [{ id: 'RUG-PULL', title: 'Rug pull', kind: 'event', severity: 'Critical' }],
  needs: ({ things }) => {
    const tokens = things.filter(isToken).map(({ address }) => address)
    const pools = things.filter(isPool).map(({ address }) => addressTopic(address))
    return {
      logs: [
        { address: tokens, topics: [OWNERSHIP] },
        ...(pools.length > 0
          ? [
              { address: tokens, topics: [TRANSFER, pools] },
              { address: tokens, topics: [TRANSFER, null, pools] },
            ]
          : []),
      ],
      alerts: [
        {
          botIds: ['liquidity-pull', 'mint-anomaly', 'admin-call', 'activity'],
          minSeverity: 'Medium',
        },
      ],
    }
  },
  handleBlock: async (block, ctx) => {
    const findings: Finding[] = []
    if (block.logs.length === 0) return findings
    const emitters = new Set(block.logs.map(({ address }) => address))
    for (const thing of ctx.things)
      if (isToken(thing) && emitters.has(thing.address))
        findings.push(...(await examineToken(ctx, thing, block)))
    return findings
  },
  handleAlert: examineAlert,
})
