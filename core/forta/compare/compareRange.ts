import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cleanText, TocsinError } from '../../base/index.ts'
import type { RpcPool } from '../../chain/index.ts'
import { createHostedChain, wantsTraces } from '../host/createHostedChain.ts'
import type { TraceWish } from '../host/createRawBlocks.ts'
import { inspectBot } from '../host/inspectBot.ts'
import { runRange } from '../runRange.ts'
import type { HostedBotOptions } from '../types.ts'
import { copyBot } from './copyBot.ts'
import { normaliseFinding } from './normaliseFinding.ts'
import { runSdk } from './runSdk.ts'

export type RangeComparison = {
  readonly blocks: number
  readonly same: number
  /** Findings that one side has and the other lacks, by block or transaction. */
  readonly onlyTocsin: readonly string[]
  readonly onlySdk: readonly string[]
  /** Equal as sets, and in another order. */
  readonly isReordered: boolean
  readonly faults: readonly string[]
  readonly tocsinSeconds: number
  readonly sdkSeconds: number
  readonly sdkVersion: string
}

const LIMIT_MS = 1_800_000

/** What is in `these` more often than in `those`. */
const surplus = (these: readonly string[], those: readonly string[]): readonly string[] => {
  const counts = new Map<string, number>()
  for (const one of those) counts.set(one, (counts.get(one) ?? 0) + 1)
  return these.filter((one) => {
    const left = counts.get(one) ?? 0
    if (left > 0) counts.set(one, left - 1)
    return left === 0
  })
}

/** The SDK's command line runs no bot that names no chain; bots of its first years name none. */
const nameChain = async (dir: string, chainId: number): Promise<void> => {
  const file = join(dir, 'package.json')
  const pack = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
  if (Array.isArray(pack['chainIds']) && pack['chainIds'].length > 0) return
  await writeFile(file, JSON.stringify({ ...pack, chainIds: [chainId] }))
}

/**
 * Runs one bot over the same blocks twice: hosted here, and by its own SDK's command line. Each run has a fresh copy of
 * the bot's directory, and both read through the same pool.
 * @throws TocsinError `forta.no_bot`, `forta.start_failed`, `forta.sdk_failed`
 */
export const compareRange = async (options: {
  readonly pool: RpcPool
  readonly traces: TraceWish
  readonly bot: HostedBotOptions
  readonly from: number
  readonly to: number
  /** Run in the bot's own directory: for bots that read files beside it. Default: false. */
  readonly inPlace?: boolean
  readonly onProgress?: (blocks: number) => void
}): Promise<RangeComparison> => {
  const { pool, traces, bot, from, to } = options
  inspectBot(bot.dir)
  const withCopy = async <T>(work: (dir: string) => Promise<T>): Promise<T> => {
    if (options.inPlace) return work(bot.dir)
    const copy = await copyBot(bot.dir)
    try {
      return await work(copy.dir)
    } finally {
      await copy.remove()
    }
  }
  const ours: string[] = []
  const faults: string[] = []
  let blocks = 0
  const hosted = await withCopy(async (dir) => {
    const pack = inspectBot(dir)
    return runRange({
      pool,
      traces,
      from,
      to,
      bots: [{ bot: { ...bot, dir, argv: ['run', '--range', `${from}..${to}`] }, pack }],
      onBlock: (_, block, run) => {
        blocks++
        for (const { txHash, finding } of run.findings)
          ours.push(`${(txHash ?? block.hash).toLowerCase()} ${normaliseFinding(finding)}`)
        faults.push(...run.faults.map((fault) => `block ${block.number}: ${fault}`))
        options.onProgress?.(blocks)
      },
    })
  })
  const sdk = await withCopy(async (dir) => {
    if (dir !== bot.dir) await nameChain(dir, pool.chainId)
    const pack = inspectBot(dir)
    const desk = await createHostedChain({
      chain: { id: pool.chainId, name: pool.chainName, rpc: [], traces },
      bots: [],
      pool,
    })
    try {
      return await runSdk({
        pack,
        from,
        to,
        chainId: pool.chainId,
        traces: wantsTraces(bot) && traces !== 'none',
        rpcUrl: `http://127.0.0.1:${desk.rpcPort}`,
        environment: process.env,
        limitMs: LIMIT_MS,
      })
    } finally {
      await desk.stop()
    }
  })
  if (sdk.exitCode !== 0)
    throw new TocsinError(
      'forta.sdk_failed',
      `The SDK's own command line ended with ${sdk.exitCode ?? 'a signal'}: ${cleanText(sdk.stderr.slice(-600), 600)}`,
    )
  const theirs = sdk.findings.map(({ at, finding }) => `${at} ${normaliseFinding(finding)}`)
  const onlyTocsin = surplus(ours, theirs)
  const onlySdk = surplus(theirs, ours)
  return {
    blocks,
    same: ours.length - onlyTocsin.length,
    onlyTocsin,
    onlySdk,
    isReordered:
      onlyTocsin.length + onlySdk.length === 0 && ours.some((one, at) => one !== theirs[at]),
    faults,
    tocsinSeconds: hosted.seconds,
    sdkSeconds: sdk.seconds,
    sdkVersion: inspectBot(bot.dir).sdkVersion,
  }
}
