import {
  type Address,
  addressTopic,
  type BotBlock,
  type BotContext,
  type BotThing,
  type ChainLog,
  type ChainTransaction,
  defineBot,
  type Finding,
  parseAmount,
  readToken,
  requireAbi,
} from 'tocsin'
import { judgeTransfer, type Party } from './judgeTransfer.ts'
import { hiddenMove, topLevelMoves } from './nativeMoves.ts'
import { type LargeTransferParameters, largeTransferParameters } from './parameters.ts'
import { parseTransfer, TRANSFER } from './parseTransfer.ts'
import { reportNative, reportTransfer, reportUnknownDecimals } from './report.ts'
import { softenBySupply } from './softenBySupply.ts'

type Context = BotContext<LargeTransferParameters>
type Thing = BotThing<LargeTransferParameters>

const partyOf = (ctx: Context, address: Address): Party => {
  const thing = ctx.thingAt(address)
  const label = ctx.labels.get(address)
  const tags = new Set([...(label?.tags ?? []), ...(thing?.kind === 'label' ? thing.tags : [])])
  const isTreasury = thing?.kind === 'treasury' || tags.has('treasury')
  return {
    address,
    name: thing?.name ?? label?.name,
    tags: [...tags],
    own: thing?.kind === 'treasury' || thing?.kind === 'label' ? thing.parameters : undefined,
    isTreasury,
  }
}

const tokenOf = (
  ctx: Context,
  address: Address,
): (Thing & { readonly kind: 'token' }) | undefined => {
  const thing = ctx.thingAt(address)
  return thing?.kind === 'token' ? thing : undefined
}

const decimalsOf = async (
  ctx: Context,
  token: Address,
): Promise<{ readonly decimals: number | undefined; readonly symbol: string }> => {
  const thing = tokenOf(ctx, token)
  if (thing?.decimals !== undefined && thing.symbol !== undefined)
    return { decimals: thing.decimals, symbol: thing.symbol }
  const info = await readToken(ctx, token)
  return { decimals: thing?.decimals ?? info.decimals, symbol: thing?.symbol ?? info.symbol }
}

const tokensOf = (thing: Thing): readonly Address[] =>
  thing.kind === 'treasury' ? thing.tokens.map((token) => token.toLowerCase() as Address) : []

/** Whether the token is watched, or one of a treasury that takes part. */
const isWatched = (ctx: Context, token: Address, parties: readonly Address[]): boolean =>
  tokenOf(ctx, token) !== undefined ||
  parties.some((address) => {
    const thing = ctx.thingAt(address)
    return thing?.kind === 'treasury' && tokensOf(thing).includes(token)
  })

const examineLog = async (
  ctx: Context,
  tx: ChainTransaction,
  log: ChainLog,
  ordinal: number,
): Promise<Finding | undefined> => {
  const transfer = parseTransfer(log)
  // Nothing moved, and addresses of strangers in such logs are bait.
  if (!transfer || transfer.units === 0n) return undefined
  if (!isWatched(ctx, transfer.token, [transfer.from, transfer.to])) return undefined
  const thing = tokenOf(ctx, transfer.token)
  const sides = { from: partyOf(ctx, transfer.from), to: partyOf(ctx, transfer.to) }
  const unit = await decimalsOf(ctx, transfer.token)
  if (unit.decimals === undefined) return reportUnknownDecimals(ctx, transfer.token, unit.symbol)
  const token = { decimals: unit.decimals, parameters: thing?.parameters }
  const judged = judgeTransfer(transfer, sides, token, ctx.parameters)
  if (!judged) return undefined
  const verdict = await softenBySupply(ctx, transfer.token, transfer.units, judged)
  const party = verdict.party && ctx.thingAt(verdict.party.address)
  const about = verdict.role === 'treasury' ? (party ?? thing) : (thing ?? party)
  return reportTransfer({
    transfer,
    sides,
    verdict,
    unit: token,
    symbol: unit.symbol,
    log,
    ordinal,
    sender: tx.from,
    about,
  })
}

const balanceKey = (thing: Thing): string => `balance:${thing.name}`

const examineNative = (ctx: Context, block: BotBlock, thing: Thing): readonly Finding[] => {
  const limit = parseAmount(thing.parameters.nativeThreshold, 18)
  const seen = topLevelMoves(thing.address, block)
  const findings = seen
    .filter((move) => move.wei > limit)
    .map((move) => reportNative(ctx, thing, move, limit))
  const read = ctx.reads<bigint>(balanceKey(thing))
  if (!read.ok) return findings
  const before = ctx.state.get<bigint>(balanceKey(thing))
  if (before === read.value) return findings
  ctx.state.set(balanceKey(thing), read.value)
  if (before === undefined) return findings
  const hidden = hiddenMove(thing.address, { before, now: read.value }, block.transactions, seen)
  const size = hidden < 0n ? -hidden : hidden
  if (size <= limit) return findings
  const other = '0x0000000000000000000000000000000000000000'
  const move = {
    from: hidden < 0n ? thing.address : other,
    to: hidden < 0n ? other : thing.address,
    wei: size,
    txHash: undefined,
  } as const
  return [...findings, reportNative(ctx, thing, move, limit)]
}

/** Single large movements of tokens, and of a treasury's native coin. */
export const largeTransfer = defineBot({
  id: 'large-transfer',
  version: '1.0.0',
  summary:
    'More of a token moves at once than its threshold, or than that of a treasury, exchange or whale.',
  parameters: largeTransferParameters,
  kinds: ['token', 'treasury', 'label'],
  alerts: [
    { id: 'LARGE-TRANSFER', title: 'Large transfer', kind: 'event', severity: 'High' },
    { id: 'LARGE-MINT', title: 'Large mint', kind: 'event', severity: 'High' },
    { id: 'LARGE-BURN', title: 'Large burn', kind: 'event', severity: 'High' },
    {
      id: 'TREASURY-TRANSFER',
      title: 'Large movement of a treasury',
      kind: 'event',
      severity: 'High',
    },
    {
      id: 'EXCHANGE-TRANSFER',
      title: 'Large transfer to or from an exchange',
      kind: 'event',
      severity: 'High',
    },
    { id: 'WHALE-TRANSFER', title: 'Large transfer of a whale', kind: 'event', severity: 'High' },
    {
      id: 'TOKEN-UNREADABLE',
      title: 'Decimals of a token unknown',
      kind: 'event',
      severity: 'Medium',
    },
  ],
  needs: ({ things }) => {
    const tokens = things.filter((thing) => thing.kind === 'token')
    const treasuries = things.filter((thing) => thing.kind === 'treasury')
    for (const token of tokens)
      requireAbi('large-transfer', token, { events: ['Transfer(address,address,uint256)'] })
    return {
      logs: [
        ...(tokens.length > 0
          ? [{ address: tokens.map(({ address }) => address), topics: [TRANSFER] }]
          : []),
        ...treasuries.flatMap((thing) => {
          const own = tokensOf(thing)
          const topic = addressTopic(thing.address)
          return own.length > 0
            ? [
                { address: own, topics: [TRANSFER, topic] },
                { address: own, topics: [TRANSFER, null, topic] },
              ]
            : []
        }),
      ],
      calls: treasuries.map(({ address }) => ({ to: address })),
      senders: treasuries.map(({ address }) => address),
      // With nothing but labels there is nothing to wait for, which is no fault.
      everyBlock: treasuries.length > 0 || tokens.length === 0,
      reads: treasuries.map(
        (thing) => ({ kind: 'balance', key: balanceKey(thing), address: thing.address }) as const,
      ),
    }
  },
  handleTransaction: async (tx, ctx) => {
    const findings: Finding[] = []
    for (const [ordinal, log] of tx.logs.entries()) {
      const finding = await examineLog(ctx, tx, log, ordinal)
      if (finding) findings.push(finding)
    }
    return findings
  },
  handleBlock: (block, ctx) =>
    ctx.things.flatMap((thing) =>
      thing.kind === 'treasury' ? examineNative(ctx, block, thing) : [],
    ),
})
