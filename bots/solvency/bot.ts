import {
  addressTopic,
  type BotBlock,
  defineBot,
  type Finding,
  followCondition,
  isUniswapPool,
  type LogNeed,
} from 'tocsin'
import { judgeLine, learn, standingOf, worstOf } from './judgeLines.ts'
import {
  type Memory,
  type Reader,
  type SolvencyContext,
  type SolvencyThing,
  TRANSFER,
} from './line.ts'
import { solvencyParameters } from './parameters.ts'
import { findConcentratedLoss, findPairLoss } from './poolLoss.ts'
import { readMarket, readPair, readVault, readWrapped } from './readLines.ts'
import { reportPoolLoss, reportShortfall, reportStart, reportWord } from './report.ts'

/** Markets of so few reserves are looked at in every block. */
const SMALL_MARKET = 8
const DEPOSIT = '0xe1fffcc4923d04b559f4d29a8bfc6cda04eb5b0d3c460751c2402c5c5cc9109c'
const WITHDRAWAL = '0x7fcf532c15f0a6db0bd6d0e038bea71d30d808c7d98cb3bf7268a95bf5081b65'

const logsOf = (thing: SolvencyThing): readonly LogNeed[] => {
  const own = { address: thing.address }
  if (thing.kind === 'token') return [{ ...own, topics: [[DEPOSIT, WITHDRAWAL]] }]
  if (thing.kind === 'lending-market') return [own]
  const me = addressTopic(thing.address)
  return [own, { topics: [TRANSFER, me] }, { topics: [TRANSFER, null, me] }]
}

const readerOf = (thing: SolvencyThing): Reader | undefined => {
  switch (thing.kind) {
    case 'vault':
      return readVault(thing)
    case 'pool':
      return thing.variant === 'uniswap-v2' ? readPair(thing) : undefined
    case 'lending-market':
      return readMarket(thing)
    case 'token':
      return readWrapped(thing)
    default:
      return undefined
  }
}

/** Everything that a log of this block came from, moved from or moved to. */
const touchedIn = (block: BotBlock): ReadonlySet<string> => {
  const touched = new Set<string>()
  for (const { address, topics } of block.logs) {
    touched.add(address)
    for (const topic of [topics[1], topics[2]]) if (topic) touched.add(`0x${topic.slice(26)}`)
  }
  return touched
}

const isDue = (ctx: SolvencyContext, thing: SolvencyThing, memory: Memory): boolean => {
  if (thing.kind === 'token' && memory.isBacked === false) return false
  if (memory.lookedS === 0 || ctx.state.get(`episode:${thing.name}`) !== undefined) return true
  if (ctx.block.timestampS - memory.lookedS >= thing.parameters.beatS) return true
  if (thing.kind === 'token') return memory.isBacked === true
  return thing.kind === 'lending-market' && Object.keys(memory.base).length <= SMALL_MARKET
}

const examine = async (
  ctx: SolvencyContext,
  block: BotBlock,
  thing: SolvencyThing,
  memory: Memory,
  read: Reader,
): Promise<readonly Finding[]> => {
  const isFirst = memory.lookedS === 0
  const { lines, failed, isBacked } = await read(ctx, block, memory)
  const findings: Finding[] = []
  for (const line of lines) {
    if (memory.base[line.key] !== undefined) continue
    const first = judgeLine(line, { [line.key]: 0 }, thing.parameters)
    if (first.severity) findings.push(await reportStart(ctx, thing, first))
  }
  const judged = lines.map((line) => judgeLine(line, memory.base, thing.parameters))
  const base = learn(memory.base, lines)
  const next: Memory = {
    lookedS: ctx.block.timestampS,
    isBacked: isBacked ?? memory.isBacked,
    base,
  }
  ctx.state.set(`seen:${thing.name}`, next)
  // What never answered is none of what this bot can judge: it stays silent about it.
  if (lines.length === 0 && Object.keys(memory.base).length === 0) {
    if (isFirst && failed.length > 0)
      ctx.log('a thing cannot be judged', { thing: thing.name, failed: failed.join(', ') })
    return findings
  }
  const word = followCondition(ctx.state, `episode:${thing.name}`, standingOf(judged, failed))
  if (!word) return findings
  const worst = worstOf(judged)
  findings.push(
    word.condition === 'holds' && worst
      ? await reportShortfall(ctx, block, thing, worst, word)
      : reportWord(thing, word, failed),
  )
  return findings
}

const examinePool = async (
  ctx: SolvencyContext,
  block: BotBlock,
  thing: SolvencyThing & { readonly kind: 'pool' },
): Promise<readonly Finding[]> => {
  const find = thing.variant === 'uniswap-v2' ? findPairLoss : findConcentratedLoss
  const loss = await find(ctx, block, thing)
  return loss && loss.lossBps > thing.parameters.poolLossBps
    ? [reportPoolLoss(ctx, block, thing, loss)]
    : []
}

const UNSEEN: Memory = { lookedS: 0, isBacked: undefined, base: {} }

/**
 * Something owes more than it has: a vault, a pool, a lending market, or a token that native coin backs. State: one
 * small record for each thing, with one number for each line (128 at most), and names of tokens.
 */
export const solvency = defineBot({
  id: 'solvency',
  version: '1.0.0',
  summary: 'A vault, pool, lending market or wrapped native coin has less than it owes.',
  parameters: solvencyParameters,
  kinds: ['vault', 'pool', 'lending-market', 'token'],
  accepts: (thing) => thing.kind !== 'pool' || isUniswapPool(thing),
  alerts: [
    {
      id: 'SHORTFALL',
      title: 'More is owed than is there',
      kind: 'condition',
      severity: 'Critical',
    },
    {
      id: 'POOL-LOSS',
      title: 'A pool lost more than its events tell',
      kind: 'event',
      severity: 'Critical',
    },
    { id: 'SHORT-AT-START', title: 'Short since before the watch', kind: 'event', severity: 'Low' },
  ],
  needs: ({ things }) => ({ everyBlock: true, logs: things.flatMap(logsOf) }),
  handleBlock: async (block, ctx) => {
    const touched = touchedIn(block)
    const findings: Finding[] = []
    for (const thing of ctx.things) {
      const isTouched = touched.has(thing.address)
      if (isTouched && thing.kind === 'pool')
        findings.push(...(await examinePool(ctx, block, thing)))
      const memory = ctx.state.get<Memory>(`seen:${thing.name}`) ?? UNSEEN
      const reader = readerOf(thing)
      if (reader && (isTouched || isDue(ctx, thing, memory)))
        findings.push(...(await examine(ctx, block, thing, memory, reader)))
    }
    return findings
  },
})
