import { type Json, messageOf } from '../base/index.ts'
import type { ChainConfig } from '../config/types.ts'
import type { ProcessReport } from '../telemetry/index.ts'
import { createIndexerRpc } from './indexerRpc.ts'

type Progress = { readonly block?: { readonly number?: number; readonly timestamp?: number } }

/** An index this many polls behind its chain is late (blocks, and seconds of block time). */
const LATE = { blocks: 20, seconds: 60 }

const getJson = async (url: string): Promise<unknown> => {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) })
  return response.json()
}

const readHead = async (
  chain: ChainConfig,
): Promise<{ readonly number: number; readonly timestampS: number } | undefined> => {
  const rpc = createIndexerRpc(
    chain.name,
    chain.rpc.map(({ http }) => http),
    3_000,
  )
  const block = await rpc('eth_getBlockByNumber', ['latest', false]).catch(() => undefined)
  if (typeof block !== 'object' || block === null) return undefined
  if (!('number' in block) || !('timestamp' in block)) return undefined
  return { number: Number(block.number), timestampS: Number(block.timestamp) }
}

/** How far the index is behind each chain. Unknown heads count as unknown, not as well. */
export const readStatus = async (options: {
  readonly url: string
  readonly schema: string
  readonly chains: readonly ChainConfig[]
}): Promise<ProcessReport> => {
  const { url, schema, chains } = options
  let ready: boolean
  let status: Readonly<Record<string, Progress | undefined>>
  try {
    ready = (await fetch(`${url}/ready`, { signal: AbortSignal.timeout(5_000) })).ok
    const body = await getJson(`${url}/status`)
    status = typeof body === 'object' && body !== null ? { ...body } : {}
  } catch (error) {
    const reason = `The indexer does not answer: ${messageOf(error)}`
    return { status: 'degraded', reason, detail: { schema } }
  }
  const detail: { [chain: string]: Json } = {}
  const troubles: string[] = []
  for (const chain of chains) {
    const indexed = status[chain.name]?.block
    const head = await readHead(chain)
    if (!head) {
      troubles.push(`${chain.name}: the head is unknown`)
      detail[chain.name] = { indexed: indexed?.number ?? null, head: null }
      continue
    }
    const lagBlocks = Math.max(0, head.number - (indexed?.number ?? 0))
    const lagS = Math.max(0, head.timestampS - (indexed?.timestamp ?? 0))
    detail[chain.name] = { indexed: indexed?.number ?? null, head: head.number, lagBlocks, lagS }
    if (ready && lagBlocks > LATE.blocks && lagS > LATE.seconds)
      troubles.push(`${chain.name}: ${lagBlocks} blocks behind`)
  }
  const whole: Json = { schema, ready, chains: detail }
  if (troubles.length > 0) return { status: 'degraded', reason: troubles.join('; '), detail: whole }
  return ready
    ? { status: 'ok', reason: '', detail: whole }
    : { status: 'starting', reason: 'History is being indexed.', detail: whole }
}
