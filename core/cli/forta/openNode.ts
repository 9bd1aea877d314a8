import { cleanText, messageOf, TocsinError } from '../../base/index.ts'
import type { RpcPool } from '../../chain/index.ts'
import { createRpcPool } from '../../chain/light.ts'
import type { BotPackage, Compat, HostedBotOptions, MappedFinding } from '../../forta/light.ts'
import { EXIT } from '../exitCodes.ts'
import { nameOfBot } from '../nameOfBot.ts'
import type { CommonOptions } from '../options.ts'
import type { StepOptions } from './readSteps.ts'

export type Range = { readonly from: number; readonly to: number }
export type FortaOptions = CommonOptions &
  StepOptions & {
    readonly range?: Range
    readonly chain?: string
    readonly rpc?: string
    readonly compat?: Compat
    readonly timeout?: number
    readonly traces: boolean
    readonly format: 'text' | 'jsonl'
    readonly inPlace?: boolean
    readonly suite?: boolean
    readonly write?: boolean
    readonly name?: string
  }

/** Nobody waits for a single block here (ms). */
const TIMEOUT_MS = 60_000

export const wrong = (code: string, message: string, hint: string): TocsinError =>
  new TocsinError(code, message, { exitCode: EXIT.invalid, hints: [hint] })

type Node = { readonly pool: RpcPool; readonly traces: 'auto' | 'parity' | 'debug' | 'none' }

const askChainId = async (url: string): Promise<number> => {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}',
      signal: AbortSignal.timeout(10_000),
    })
    const { result } = (await response.json()) as { readonly result?: unknown }
    if (typeof result === 'string' && Number.isSafeInteger(Number(result))) return Number(result)
    throw new Error('it does not say its chain id')
  } catch (cause) {
    throw new TocsinError('rpc.unavailable', `The node does not answer: ${messageOf(cause)}`, {
      cause,
    })
  }
}

/** The chain to run on: of the watchlist, or behind an address given here. */
export const openNode = async (options: FortaOptions, pack: BotPackage): Promise<Node> => {
  if (options.rpc !== undefined) {
    const chainId = await askChainId(options.rpc)
    const endpoints = [{ name: 'rpc', http: options.rpc }]
    return {
      pool: createRpcPool({
        chainId,
        chainName: `chain ${chainId}`,
        endpoints,
        timeoutMs: TIMEOUT_MS,
      }),
      traces: 'auto',
    }
  }
  // With --rpc nobody waits for what reads the watchlist.
  const { readConfig } = await import('../readConfig.ts')
  const config = await readConfig(options, ['rpc'])
  const chain = options.chain
    ? config.chains.find(({ name }) => name === options.chain)
    : config.chains.find(({ id }) => pack.chainIds.includes(id))
  if (!chain)
    throw wrong(
      'chain.unknown',
      options.chain
        ? `The watchlist has no chain "${cleanText(options.chain, 80)}".`
        : `The watchlist has no chain that the bot is made for (${pack.chainIds.join(', ') || 'it names none'}).`,
      `Say --chain with one of: ${config.chains.map(({ name }) => name).join(', ')}; or --rpc.`,
    )
  return {
    pool: createRpcPool({
      chainId: chain.id,
      chainName: chain.name,
      endpoints: chain.rpc,
      timeoutMs: TIMEOUT_MS,
    }),
    traces: chain.traces,
  }
}

export const botOptions = (
  pack: BotPackage,
  options: FortaOptions,
  compat: Compat,
): HostedBotOptions => ({
  id: options.name ?? nameOfBot(pack),
  dir: pack.dir,
  compat: options.compat ?? compat,
  traces: options.traces,
  // Nobody waits for these blocks, and public bots give themselves a minute.
  timeoutMs: options.timeout ?? TIMEOUT_MS,
  ...(options.range
    ? { argv: ['run', '--range', `${options.range.from}..${options.range.to}`] }
    : {}),
})

export const warnChain = (pack: BotPackage, chainId: number): void => {
  if (pack.chainIds.length > 0 && !pack.chainIds.includes(chainId))
    process.stderr.write(
      `The bot is made for chain ${pack.chainIds.join(', ')}; this is chain ${chainId}.\n`,
    )
}

export const printFinding = (
  finding: MappedFinding,
  block: { readonly number: number; readonly hash: string } | undefined,
  botId: string,
  format: FortaOptions['format'],
): void => {
  if (format === 'jsonl')
    process.stdout.write(
      `${JSON.stringify({ bot: botId, blockNumber: block?.number ?? null, blockHash: block?.hash ?? null, ...finding })}\n`,
    )
  else
    process.stdout.write(
      `${block?.number ?? '-'}  ${finding.severity}  ${cleanText(finding.alertId, 80)}  ${cleanText(finding.description, 300)}${finding.txHash ? `  ${finding.txHash}` : ''}\n`,
    )
}
