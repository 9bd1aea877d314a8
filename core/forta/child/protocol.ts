import type { Compat, RawTransaction } from '../types.ts'

/** What a child is told when it is started. */
export type StartMessage = {
  readonly kind: 'start'
  /** Of the SDK: 1 is `forta-agent`, 2 is `@fortanetwork/forta-bot`. */
  readonly generation: 1 | 2
  /** Absolute path of the agent's module, as the SDK's own command line finds it. */
  readonly agentPath: string
  readonly compat: Compat
  readonly chainId: number
  readonly rpcUrl: string
  /** What follows the program's name in `process.argv`, as on the SDK's own command line. */
  readonly argv: readonly string[]
}

/** A block as nodes give it, its logs, and its traces in Parity's shape (undefined: the bot gets none). */
export type BlockPayload = {
  readonly block: Readonly<Record<string, unknown>> & {
    readonly transactions: readonly RawTransaction[]
  }
  readonly logs: readonly Readonly<Record<string, unknown>>[]
  readonly traces?: readonly Readonly<Record<string, unknown>>[]
}

/**
 * Blocks to run one after another. Their items are counted through: of each block the first is `handleBlock`, the
 * following are `handleTransaction` of its transactions.
 */
export type BlocksMessage = {
  readonly kind: 'blocks'
  readonly id: number
  /** First item to run. */
  readonly from: number
  /** Items to leave out. */
  readonly skip: readonly number[]
  /** Say before each item that it begins: whoever takes the process down is then known. */
  readonly careful: boolean
  readonly data: readonly BlockPayload[]
}
export type AlertMessage = { readonly kind: 'alert'; readonly id: number; readonly alert: unknown }
/** An event written down whole, for one handler. */
export type EventMessage = {
  readonly kind: 'event'
  readonly id: number
  readonly handler: 'handleBlock' | 'handleTransaction'
  readonly event: unknown
}
export type HealthMessage = { readonly kind: 'health'; readonly id: number }
export type ToChild = StartMessage | BlocksMessage | AlertMessage | EventMessage | HealthMessage

export type ItemResult =
  | { readonly item: number; readonly findings: readonly unknown[] }
  | { readonly item: number; readonly error: string }

export type ReadyMessage = {
  readonly kind: 'ready'
  readonly handlers: readonly string[]
  /** `alertConfig.subscriptions` of the bot's `initialize`. */
  readonly subscriptions: readonly unknown[]
  readonly sdkVersion: string
}
export type FromChild =
  | ReadyMessage
  | { readonly kind: 'failed'; readonly error: string }
  /** Everything below `item` is done. */
  | {
      readonly kind: 'progress'
      readonly id: number
      readonly item: number
      readonly results: readonly ItemResult[]
    }
  | { readonly kind: 'done'; readonly id: number; readonly results: readonly ItemResult[] }
  | { readonly kind: 'health'; readonly id: number; readonly errors: readonly string[] }
