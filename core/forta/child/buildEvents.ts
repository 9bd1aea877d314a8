import type { Compat, RawTransaction } from '../types.ts'
import { groupByTransaction } from './groupByTransaction.ts'
import type { Sdk } from './loadAgent.ts'
import { toNodeBlock, toNodeTransaction } from './nodeEvents.ts'
import { createOldEventMaker, type OldEvents } from './oldEvents.ts'
import type { BlockPayload } from './protocol.ts'

type Raw = Readonly<Record<string, unknown>>
type SdkTrace = {
  readonly action: Record<string, unknown>
  readonly result: Record<string, unknown>
  error: unknown
}
type SdkEvent = {
  readonly transaction: { readonly from: string; readonly nonce: number }
  readonly traces: readonly SdkTrace[]
  readonly addresses: Record<string, boolean>
  contractAddress: string | null
}

/** The events of one block, made when their turn comes. */
export type BlockEvents = {
  readonly count: number
  readonly block: () => unknown
  readonly transaction: (index: number) => unknown
}
export type EventMaker = (data: BlockPayload) => BlockEvents | Promise<BlockEvents>

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Addresses that events carry in indexed topics: twelve zero bytes, then twenty of the address. */
const topicAddresses = (logs: readonly Raw[]): readonly string[] =>
  logs.flatMap(({ topics }) =>
    (Array.isArray(topics) ? topics.slice(1) : [])
      .filter((topic) => typeof topic === 'string' && /^0x0{24}(?!0{40}$)/.test(topic))
      .map((topic: string) => `0x${topic.slice(26).toLowerCase()}`),
  )

const createdIn = (traces: readonly Raw[]): readonly string[] =>
  traces.flatMap(({ type, result, error }) => {
    const address =
      type === 'create' &&
      !error &&
      typeof result === 'object' &&
      result !== null &&
      'address' in result
        ? text(result.address).toLowerCase()
        : ''
    return address === '' ? [] : [address]
  })

/** The SDK declares texts, and nodes send empty ones: bots call their methods without asking. */
const fillIn = ({ action, result }: SdkTrace): void => {
  for (const name in action) action[name] ??= ''
  for (const name in result) result[name] ??= ''
}

/** How the events of blocks are made, by the bot's own SDK. */
export const createEventMaker = (
  sdk: Sdk,
  compat: Compat,
  chainId: number,
  rpcUrl: string,
): EventMaker => {
  const cli = sdk.require(`${sdk.dir}/dist/cli/utils/index.js`) as {
    readonly createBlockEvent: (block: unknown, network: number) => unknown
    readonly createTransactionEvent: (
      transaction: unknown,
      block: unknown,
      network: number,
      traces: readonly Raw[] | undefined,
      logs: readonly Raw[] | undefined,
    ) => SdkEvent
  }
  // Before 0.1 events were made of receipts, and had no logs of their own.
  if (cli.createTransactionEvent.length < 5)
    return createOldEventMaker(
      cli as unknown as OldEvents,
      compat === 'cli' ? String(chainId) : chainId,
      rpcUrl,
    )
  const { ethers } = sdk.require('forta-agent') as {
    readonly ethers: {
      readonly utils: {
        readonly getContractAddress: (from: { from: string; nonce: number }) => string
      }
    }
  }
  const createdBy = (from: string, nonce: number): string =>
    ethers.utils.getContractAddress({ from, nonce }).toLowerCase()

  if (compat === 'node') {
    const AgentController = sdk.require(
      `${sdk.dir}/dist/cli/commands/run/server/agent.controller.js`,
    ) as { readonly prototype: object }
    const controller = Object.create(AgentController.prototype) as {
      readonly createBlockEventFromGrpcRequest: (request: unknown) => unknown
      readonly createTransactionEventFromGrpcRequest: (request: unknown) => unknown
    }
    return ({ block, logs, traces }) => {
      const logsOf = groupByTransaction(logs)
      const tracesOf = groupByTransaction(traces ?? [])
      return {
        count: block.transactions.length,
        block: () =>
          controller.createBlockEventFromGrpcRequest({ event: toNodeBlock(block, chainId) }),
        transaction: (index) => {
          const transaction = block.transactions[index] as RawTransaction
          const hash = transaction.hash.toLowerCase()
          const event = toNodeTransaction({
            transaction,
            block,
            chainId,
            logs: logsOf.get(hash) ?? [],
            traces: tracesOf.get(hash) ?? [],
            createdBy,
          })
          return controller.createTransactionEventFromGrpcRequest({ event })
        },
      }
    }
  }

  /** What the SDK's command line gets wrong: contracts that were created, a key that is none, texts that are missing. */
  const mend = (event: SdkEvent, raw: Raw, traces: readonly Raw[], logs: readonly Raw[]): void => {
    const { addresses, transaction } = event
    delete addresses['undefined']
    delete addresses['null']
    if (!raw['to']) {
      event.contractAddress = createdBy(transaction.from, transaction.nonce)
      addresses[event.contractAddress] = true
    }
    for (const address of createdIn(traces)) addresses[address] = true
    for (const address of topicAddresses(logs)) addresses[address] = true
    for (const trace of event.traces) {
      fillIn(trace)
      trace.error ??= ''
    }
  }
  return ({ block, logs, traces }) => {
    const logsOf = groupByTransaction(logs)
    const tracesOf = groupByTransaction(traces ?? [])
    return {
      count: block.transactions.length,
      block: () => cli.createBlockEvent(block, chainId),
      transaction: (index) => {
        const transaction = block.transactions[index] as RawTransaction
        const hash = transaction.hash.toLowerCase()
        const own = { traces: tracesOf.get(hash), logs: logsOf.get(hash) }
        const event = cli.createTransactionEvent(transaction, block, chainId, own.traces, own.logs)
        if (compat === 'sdk') mend(event, transaction, own.traces ?? [], own.logs ?? [])
        return event
      },
    }
  }
}
