import {
  type Address,
  addressOfWord,
  type BotBlock,
  defineBot,
  type Finding,
  type Hex,
  readToken,
  requireAbi,
  type TokenInfo,
} from 'tocsin'
import { erc20Abi } from '../../abis/index.ts'
import {
  cannotBeWhale,
  type Holder,
  type HolderBook,
  isLabelledWhale,
  readBook,
  type TokenThing,
  type WhaleContext,
  writeBook,
} from './holders.ts'
import { followHolder, type HolderVerdict } from './judgeHolder.ts'
import { whaleWatchParameters } from './parameters.ts'
import { type Counterparty, reportTogether, reportWhale } from './report.ts'

const TRANSFER: Hex = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
/** Most balances that are read for one token in one block; the others are read when they move again. */
const MAX_READS = 40
const SUPPLY_S = 3_600

/** What a block did to one address: its net change, and its largest transfer on each side. */
type Change = {
  net: bigint
  /** Largest single transfer of the block, either way. */
  largest: bigint
  out: Counterparty | undefined
  in: Counterparty | undefined
}

const changesOf = (block: BotBlock, token: Address): ReadonlyMap<Address, Change> => {
  const changes = new Map<Address, Change>()
  const at = (address: Address): Change => {
    const known = changes.get(address) ?? { net: 0n, largest: 0n, out: undefined, in: undefined }
    changes.set(address, known)
    return known
  }
  for (const log of block.logs) {
    if (log.address !== token || log.topics[0] !== TRANSFER) continue
    const [, fromWord, toWord] = log.topics
    const from = addressOfWord(fromWord ?? '0x')
    const to = addressOfWord(toWord ?? '0x')
    if (!from || !to || from === to || log.topics.length !== 3 || log.data.length !== 66) continue
    const units = BigInt(log.data)
    const [giver, taker] = [at(from), at(to)]
    giver.net -= units
    taker.net += units
    if (units > giver.largest) giver.largest = units
    if (units > taker.largest) taker.largest = units
    if (units > (giver.out?.units ?? 0n)) giver.out = { address: to, units, txHash: log.txHash }
    if (units > (taker.in?.units ?? 0n)) taker.in = { address: from, units, txHash: log.txHash }
  }
  return changes
}

/** The supply, read anew every hour; undefined when the token does not say it. */
const supplyOf = async (ctx: WhaleContext, token: Address): Promise<bigint | undefined> => {
  const known = ctx.state.get<{ supply: bigint; atS: number }>(`supply:${token}`)
  if (known && ctx.block.timestampS - known.atS < SUPPLY_S) return known.supply
  const answer = await ctx.read.call<bigint>({
    address: token,
    abi: erc20Abi,
    functionName: 'totalSupply',
  })
  if (!answer.ok || answer.value === 0n) return undefined
  ctx.state.set(`supply:${token}`, { supply: answer.value, atS: ctx.block.timestampS })
  return answer.value
}

const unitOf = async (ctx: WhaleContext, thing: TokenThing): Promise<TokenInfo> => {
  if (thing.decimals !== undefined && thing.symbol !== undefined)
    return { address: thing.address, decimals: thing.decimals, symbol: thing.symbol }
  const info = await readToken(ctx, thing.address)
  return { ...info, decimals: thing.decimals ?? info.decimals, symbol: thing.symbol ?? info.symbol }
}

/** A contract's code; accounts that delegate to one (EIP-7702) are people all the same. */
const isContract = async (ctx: WhaleContext, address: Address): Promise<boolean> => {
  const code = await ctx.read.code(address)
  return code.length > 2 && !code.startsWith('0xef0100')
}

/** Who is worth a read in this block: known holders, labelled whales, and both sides of large transfers. */
const candidatesIn = (
  ctx: WhaleContext,
  thing: TokenThing,
  book: HolderBook,
  changes: ReadonlyMap<Address, Change>,
  supply: bigint,
): readonly Address[] => {
  const known = new Set(book.holders.map(({ address }) => address))
  const contracts = new Set(book.contracts)
  const least = (supply * BigInt(thing.parameters.trackBps)) / 10_000n
  return [...changes]
    .filter(
      ([address, { net, largest }]) =>
        net !== 0n &&
        (known.has(address) || largest >= least || isLabelledWhale(ctx, address)) &&
        !contracts.has(address) &&
        !cannotBeWhale(ctx, thing.address, address),
    )
    .sort(([a, one], [b, other]) =>
      one.largest === other.largest ? (a < b ? -1 : 1) : one.largest > other.largest ? -1 : 1,
    )
    .slice(0, MAX_READS)
    .map(([address]) => address)
}

type Seen = { readonly holder: Holder; readonly verdict: HolderVerdict | undefined }

/** Reads one candidate; `contract` when it turns out to be one, undefined when it is too small to follow. */
const look = async (
  ctx: WhaleContext,
  thing: TokenThing,
  known: Holder | undefined,
  address: Address,
  net: bigint,
  supply: bigint,
): Promise<Seen | 'contract' | undefined> => {
  const answer = await ctx.read.call<bigint>({
    address: thing.address,
    abi: erc20Abi,
    functionName: 'balanceOf',
    args: [address],
  })
  if (!answer.ok) return undefined
  const balance = answer.value
  // Fees and rebases make a transfer move less or more than it says.
  const before = known?.balance ?? (balance > net ? balance - net : 0n)
  const whole = supply * BigInt(thing.parameters.holderBps)
  const isLarge = balance * 10_000n >= whole || before * 10_000n >= whole
  const isLabelled = isLabelledWhale(ctx, address)
  if (!known && !isLarge && !isLabelled) return undefined
  if (!known && !isLabelled && (await isContract(ctx, address))) return 'contract'
  const now = { balance, before, timestampS: ctx.block.timestampS }
  return followHolder(known, now, address, supply, thing.parameters)
}

const isOwn = (ctx: WhaleContext, address: Address): boolean =>
  ctx.labels.get(address)?.tags.includes('own') ?? false

const examineToken = async (
  ctx: WhaleContext,
  thing: TokenThing,
  block: BotBlock,
): Promise<readonly Finding[]> => {
  const changes = changesOf(block, thing.address)
  if (changes.size === 0) return []
  const supply = await supplyOf(ctx, thing.address)
  if (supply === undefined) return []
  const book = readBook(ctx, thing.address)
  const candidates = candidatesIn(ctx, thing, book, changes, supply)
  if (candidates.length === 0) return []
  const holders = new Map(book.holders.map((holder) => [holder.address, holder]))
  const seen = await Promise.all(
    candidates.map((address) =>
      look(ctx, thing, holders.get(address), address, changes.get(address)?.net ?? 0n, supply),
    ),
  )
  const findings: Finding[] = []
  const contracts = [...book.contracts]
  const now = ctx.block.timestampS
  const { together, togetherS, topHolders } = thing.parameters
  let left = book.left.filter(({ atS }) => now - atS < togetherS)
  for (const [index, address] of candidates.entries()) {
    const one = seen[index]
    if (one === undefined) continue
    if (one === 'contract') {
      contracts.push(address)
      continue
    }
    holders.set(address, one.holder)
    const { verdict } = one
    if (!verdict) continue
    const change = changes.get(address)
    const other = verdict.direction === 'out' ? change?.out : change?.in
    const isKept = other !== undefined && isOwn(ctx, other.address)
    const unit = await unitOf(ctx, thing)
    findings.push(reportWhale(ctx, thing, unit, address, verdict, supply, other, isKept))
    if (verdict.direction === 'out' && !isKept)
      left = [...left.filter((past) => past.address !== address), { address, atS: now }]
  }
  let { toldTogetherAtS } = book
  if (left.length >= together && now - toldTogetherAtS >= togetherS) {
    toldTogetherAtS = now
    const whales = left.map(({ address }) => address)
    findings.push(reportTogether(ctx, thing, await unitOf(ctx, thing), whales))
  }
  // Who holds next to nothing any more and has told of it is forgotten when its span is over.
  const least = (supply * BigInt(thing.parameters.holderBps)) / 10_000n
  const kept = [...holders.values()].filter(
    ({ address, balance, base, baseAtS }) =>
      balance >= least ||
      isLabelledWhale(ctx, address) ||
      (base >= least && now - baseAtS < thing.parameters.windowS),
  )
  writeBook(ctx, thing.address, { holders: kept, contracts, left, toldTogetherAtS }, topHolders)
  return findings
}

/**
 * Large holders of watched tokens, coming and going. Kept per token: at most `topHolders` holders, 100 contracts that
 * are none, and 100 that left within `togetherS`; at most 40 balances are read per token and block.
 */
export const whaleWatch = defineBot({
  id: 'whale-watch',
  version: '1.0.0',
  summary: 'A large holder of a token gives away or gathers much of it, or several leave at once.',
  parameters: whaleWatchParameters,
  kinds: ['token', 'label'],
  accepts: (thing) => thing.kind !== 'label' || thing.tags.includes('whale'),
  alerts: [
    { id: 'WHALE-OUT', title: 'A whale leaves', kind: 'event', severity: 'Low' },
    { id: 'WHALE-IN', title: 'A whale gathers', kind: 'event', severity: 'Info' },
    { id: 'WHALES-LEAVING', title: 'Several whales leave', kind: 'event', severity: 'Medium' },
  ],
  needs: ({ things }) => {
    const tokens = things.filter((thing) => thing.kind === 'token')
    for (const token of tokens)
      requireAbi('whale-watch', token, { events: ['Transfer(address,address,uint256)'] })
    return tokens.length > 0
      ? { logs: [{ address: tokens.map(({ address }) => address), topics: [TRANSFER] }] }
      : // With nothing but labels there is nothing to wait for, which is no fault.
        { everyBlock: true }
  },
  handleBlock: async (block, ctx) => {
    const findings: Finding[] = []
    if (block.logs.length === 0) return findings
    for (const thing of ctx.things)
      if (thing.kind === 'token') findings.push(...(await examineToken(ctx, thing, block)))
    return findings
  },
})
