import { type Address, type ChainLog, decodeLog, type Hex } from 'tocsin'
import { toEventSelector } from 'viem/utils'
import { compoundTimelockAbi, timelockAbi } from '../../abis/index.ts'
import { joinSignature, type RawCall } from '../governed-calls/index.ts'

/** One step in the life of an operation: queued, executed or cancelled, with all its calls that the block tells of. */
export type Step = {
  readonly what: 'queued' | 'executed' | 'cancelled'
  readonly id: Hex
  readonly txHash: Hex
  readonly calls: readonly RawCall[]
  /** Queued: when it can be executed (s). */
  readonly readyAtS: number
  readonly variant: 'openzeppelin' | 'compound'
}

const abi = [...timelockAbi, ...compoundTimelockAbi]
const WANTED = new Set([
  'CallScheduled',
  'CallExecuted',
  'Cancelled',
  'QueueTransaction',
  'ExecuteTransaction',
  'CancelTransaction',
])

export const timelockTopics: readonly Hex[] = abi.flatMap((item) =>
  item.type === 'event' && WANTED.has(item.name) ? [toEventSelector(item)] : [],
)

const FAR_S = 4_000_000_000
const isHex = (value: unknown): value is Hex => typeof value === 'string' && value.startsWith('0x')
const big = (value: unknown): bigint => (typeof value === 'bigint' ? value : 0n)
const seconds = (value: bigint): number => (value > BigInt(FAR_S) ? FAR_S : Number(value))

const callOf = (target: unknown, value: unknown, input: Hex): RawCall => ({
  target: String(target).toLowerCase() as Address,
  valueWei: big(value),
  input,
  isDelegatecall: false,
})

const STEPS = {
  CallScheduled: 'queued',
  CallExecuted: 'executed',
  Cancelled: 'cancelled',
  QueueTransaction: 'queued',
  ExecuteTransaction: 'executed',
  CancelTransaction: 'cancelled',
} as const

const stepOf = (log: ChainLog, nowS: number): Step | undefined => {
  const event = decodeLog(abi, log)
  if (!event || !Object.hasOwn(STEPS, event.name)) return undefined
  const { name, args } = event
  const what = STEPS[name as keyof typeof STEPS]
  const id = args['id'] ?? args['txHash']
  if (!isHex(id)) return undefined
  const isCompound = args['txHash'] !== undefined
  const input = isCompound
    ? joinSignature(args['signature'], args['data'])
    : isHex(args['data'])
      ? args['data']
      : '0x'
  return {
    what,
    id,
    txHash: log.txHash,
    calls: name === 'Cancelled' ? [] : [callOf(args['target'], args['value'], input)],
    readyAtS: isCompound ? seconds(big(args['eta'])) : seconds(BigInt(nowS) + big(args['delay'])),
    variant: isCompound ? 'compound' : 'openzeppelin',
  }
}

/** The steps that a timelock's logs tell of, in order; the calls of a batch belong together. */
export const readEvents = (
  timelock: Address,
  logs: readonly ChainLog[],
  nowS: number,
): readonly Step[] => {
  const steps = new Map<string, Step>()
  for (const log of logs) {
    if (log.address !== timelock) continue
    const step = stepOf(log, nowS)
    if (!step) continue
    const key = `${step.txHash}:${step.what}:${step.id}`
    const known = steps.get(key)
    steps.set(key, known ? { ...known, calls: [...known.calls, ...step.calls] } : step)
  }
  return [...steps.values()]
}
