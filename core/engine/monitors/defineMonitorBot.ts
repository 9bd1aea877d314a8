import { type AbiEvent, type AbiFunction, decodeEventLog, decodeFunctionData } from 'viem'
import { parseAbiItem, toEventSelector, toFunctionSelector } from 'viem/utils'
import { z } from 'zod'
import { cleanText, type FindingSeverity, type Hex } from '../../base/index.ts'
import type { ChainLog, ChainTransaction } from '../../chain/types.ts'
import type { WatchedThing } from '../../config/types.ts'
import { defineBot } from '../defineBot.ts'
import type { BotDefinition, Finding } from '../types.ts'
import { type Condition, type Facts, parseExpression } from './expression.ts'

/** An event or a function, and what must hold of its arguments. */
export type SignatureCondition = {
  /** `Transfer(address,address,uint256)`. */
  readonly signature: string
  /** With the names of its arguments, and which are indexed: an entry of an ABI, or Solidity's words. */
  readonly declaration: string | Readonly<Record<string, unknown>>
  readonly expression?: string
}

export type MonitorConditions = {
  readonly events?: readonly SignatureCondition[]
  readonly functions?: readonly SignatureCondition[]
  readonly transactions?: readonly {
    readonly status: 'Any' | 'Success' | 'Failure'
    readonly expression?: string
  }[]
}

export type MonitorBot = {
  readonly id: string
  readonly alertId: string
  readonly title: string
  readonly severity: FindingSeverity
  /** Names of the watched contracts. */
  readonly things: readonly string[]
  readonly match: MonitorConditions
}

const itemOf = (declaration: SignatureCondition['declaration']): unknown =>
  typeof declaration === 'string' ? parseAbiItem(declaration) : declaration

const ANYTHING: Condition = () => true
const conditionOf = (expression: string | undefined): Condition =>
  expression === undefined || expression.trim() === '' ? ANYTHING : parseExpression(expression)

/** Arguments by name and by place. */
const factsOf = (
  inputs: readonly { readonly name?: string | undefined }[],
  args: unknown,
): Facts => {
  const list: readonly unknown[] = Array.isArray(args)
    ? args
    : inputs.map(({ name }) => (args as Record<string, unknown> | undefined)?.[name ?? ''])
  return Object.fromEntries(
    inputs.flatMap(({ name }, index) => [
      [String(index), list[index]],
      ...(name ? [[name, list[index]]] : []),
    ]),
  )
}

type Matched = { readonly signature: string; readonly facts: Facts }

const compileEvent = ({ signature, declaration, expression }: SignatureCondition) => {
  const event = itemOf(declaration) as AbiEvent
  const holds = conditionOf(expression)
  const topic = toEventSelector(event)
  const read = (log: ChainLog): Facts | undefined => {
    try {
      const { args } = decodeEventLog({
        abi: [event],
        data: log.data,
        topics: log.topics as [Hex, ...Hex[]],
      })
      return factsOf(event.inputs, args)
    } catch {
      // Another event of the same name: other arguments are indexed.
      return undefined
    }
  }
  return {
    topic,
    match: (log: ChainLog): Matched | undefined => {
      if (log.topics[0] !== topic) return undefined
      const facts = read(log)
      return facts && holds(facts) ? { signature, facts } : undefined
    },
  }
}

const compileFunction = ({ signature, declaration, expression }: SignatureCondition) => {
  const item = itemOf(declaration) as AbiFunction
  const holds = conditionOf(expression)
  const selector = toFunctionSelector(item)
  return {
    selector,
    match: ({ input }: ChainTransaction): Matched | undefined => {
      if (input?.slice(0, 10) !== selector) return undefined
      try {
        const { args } = decodeFunctionData({ abi: [item], data: input })
        const facts = factsOf(item.inputs, args ?? [])
        return holds(facts) ? { signature, facts } : undefined
      } catch {
        // Calldata that is no call of it, whatever its selector.
        return undefined
      }
    },
  }
}

const STATUS = { Success: 'success', Failure: 'reverted' } as const

const compileTransaction = ({
  status,
  expression,
}: NonNullable<MonitorConditions['transactions']>[number]) => {
  const holds = conditionOf(expression)
  return (tx: ChainTransaction): boolean =>
    (status === 'Any' || tx.status === STATUS[status]) &&
    holds({
      hash: tx.hash,
      from: tx.from,
      to: tx.to ?? '',
      value: tx.value,
      input: tx.input,
      gas_used: tx.gasUsed,
      gas_price: tx.effectiveGasPriceWei,
      transaction_index: tx.index,
    })
}

const shown = (value: unknown): string =>
  cleanText(
    JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one)) ?? '',
    200,
  ).replace(/^"|"$/g, '')

const compile = ({ events = [], functions = [], transactions = [] }: MonitorConditions) => {
  const eventList = events.map(compileEvent)
  const functionList = functions.map(compileFunction)
  const transactionList = transactions.map(compileTransaction)
  /** As the monitors have it: events or functions, and where transactions are named too, one of these beside. */
  const match = (tx: ChainTransaction, thing: WatchedThing): readonly Matched[] | undefined => {
    const logs = tx.logs.filter(({ address }) => address === thing.address)
    const found = [
      ...eventList.flatMap((event) => logs.map((log) => event.match(log))),
      ...functionList.map((one) => (tx.to === thing.address ? one.match(tx) : undefined)),
    ].filter((one) => one !== undefined)
    const isTransaction = transactionList.some((fits) => fits(tx))
    if (transactionList.length > 0 && !isTransaction) return undefined
    const wantsMore = eventList.length + functionList.length > 0
    return wantsMore && found.length === 0 ? undefined : found
  }
  return {
    match,
    topics: eventList.map(({ topic }) => topic),
    selectors: functionList.map(({ selector }) => selector),
    /** Any transaction that touches the contract counts. */
    isWide: eventList.length + functionList.length === 0,
  }
}

/**
 * A bot that finds what a monitor of another watcher was set to find: events and top-level calls of the named contracts
 * whose arguments fit an expression, and transactions by their fate and fields.
 * @throws TocsinError `monitor.expression` where an expression is not understood
 */
export const defineMonitorBot = (monitor: MonitorBot): BotDefinition<unknown> => {
  const { match, topics, selectors, isWide } = compile(monitor.match)
  const toFinding = (
    tx: ChainTransaction,
    thing: WatchedThing,
    matched: readonly Matched[],
  ): Finding => {
    const first = matched[0]
    const args = Object.entries(first?.facts ?? {}).filter(([name]) => !/^\d+$/.test(name))
    const what = matched.map(({ signature }) => signature).join(', ') || 'the transaction'
    return {
      alertId: monitor.alertId,
      name: monitor.title,
      description: `${thing.name}: ${what} in ${tx.hash}, sent by ${tx.from}.`,
      severity: monitor.severity,
      type: 'Suspicious',
      thing: thing.name,
      txHash: tx.hash,
      addresses: tx.to ? [tx.from, tx.to] : [tx.from],
      metadata: {
        ...Object.fromEntries(args.slice(0, 20).map(([name, value]) => [name, shown(value)])),
        matched: cleanText(what, 500),
        status: tx.status,
      },
    }
  }
  return defineBot<unknown>({
    id: monitor.id,
    version: '1.0.0',
    summary: `What the monitor "${cleanText(monitor.title, 100)}" was set to find.`,
    parameters: z.strictObject({}),
    alerts: [
      { id: monitor.alertId, title: monitor.title, kind: 'event', severity: monitor.severity },
    ],
    kinds: ['contract'],
    accepts: ({ name }) => monitor.things.includes(name),
    needs: ({ things }) => {
      const address = things.map((thing) => thing.address)
      if (address.length === 0) return {}
      const everyLog = isWide ? [{ address }] : []
      return {
        logs: topics.length > 0 ? [{ address, topics: [topics] }] : everyLog,
        calls:
          selectors.length > 0
            ? address.map((to) => ({ to, selectors }))
            : isWide
              ? address.map((to) => ({ to }))
              : [],
        inputs: true,
      }
    },
    handleTransaction: (tx, ctx) =>
      ctx.things.flatMap((thing) => {
        const isTouched =
          tx.to === thing.address ||
          tx.from === thing.address ||
          tx.logs.some(({ address }) => address === thing.address)
        const matched = isTouched ? match(tx, thing) : undefined
        return matched ? [toFinding(tx, thing, matched)] : []
      }),
  })
}
