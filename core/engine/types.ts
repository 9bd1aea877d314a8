import type { Abi } from 'viem'
import type { z } from 'zod'
import type { Address, FindingSeverity, FindingType, Hex, Json } from '../base/index.ts'
import type { CallTrace, ChainHeader, ChainLog, ChainTransaction } from '../chain/types.ts'
import type { ThingKind, WatchedThing } from '../config/types.ts'
import type { FindingRow } from './engineStore.ts'

/** A log that a bot asked for. */
export type LogNeed = {
  /** Any of these contracts; every contract when left out. */
  readonly address?: Address | readonly Address[]
  /** As in `eth_getLogs`: each place one topic, several (any of), or null (anything). */
  readonly topics?: readonly (Hex | readonly Hex[] | null)[]
}

/** A call that a bot asked for: top-level calls always, internal ones where traces are taken. */
export type CallNeed = {
  readonly to: Address
  /** 4-byte selectors; every call when left out. */
  readonly selectors?: readonly Hex[]
}

/** A state read made at every block's hash, before the handlers run and beside the fetch of the receipts. */
export type ReadNeed =
  | {
      readonly kind: 'call'
      /** Name under which `ctx.reads` gives the answer. */
      readonly key: string
      readonly address: Address
      readonly abi: Abi
      readonly functionName: string
      readonly args?: readonly unknown[]
    }
  | {
      readonly kind: 'storage'
      readonly key: string
      readonly address: Address
      readonly slot: Hex
    }
  | { readonly kind: 'balance'; readonly key: string; readonly address: Address }

/** Findings of other bots, at the same block of the same chain, that a bot asked for. */
export type AlertNeed = {
  /** Any of these bots; every bot when left out. A bot that is not switched on simply finds nothing. */
  readonly botIds?: readonly string[]
  /** Any of these alerts; every alert when left out. */
  readonly alertIds?: readonly string[]
  /** This grave or graver. Default: `Info`. */
  readonly minSeverity?: FindingSeverity
  /** `bot`: what Tocsin's own bots found. `external`: what was recorded from outside. Default: `bot`. */
  readonly source?: AlertSource
}
export type AlertSource = 'bot' | 'external'

/**
 * Everything a bot declares in advance; the engine compiles all bots' needs into one filter. `{}`: there is nothing to do
 * among these things, and the bot sleeps. Whatever else is declared must be able to wake it.
 */
export type Needs = {
  readonly logs?: readonly LogNeed[]
  readonly calls?: readonly CallNeed[]
  /** Transactions sent by these. */
  readonly senders?: readonly Address[]
  /** Every transaction that created a contract, whoever sent it; with `inputs` its init code too. Default: false. */
  readonly creations?: boolean
  /** Run `handleBlock` also when nothing of the above is in the block. Default: false. */
  readonly everyBlock?: boolean
  /**
   * Call traces. `whenTouched`: only blocks in which the state of one of `addresses` changed (seen by its storage
   * hash, or assumed when the node gives no proofs); `always`: every block. Default: none.
   */
  readonly traces?: {
    readonly mode: 'whenTouched' | 'always'
    readonly addresses: readonly Address[]
  }
  readonly reads?: readonly ReadNeed[]
  /**
   * Calldata and value also of transactions that matched by a log only. Those that matched by call or sender have
   * theirs in any case. Costs a fetch where the chain is read by receipts. Default: false.
   */
  readonly inputs?: boolean
  /**
   * Findings of other bots, for `handleAlert`. A bot that declares any runs after all those that declare none and sees
   * what they found in this block; it sees nothing of others that declare any. Default: none.
   */
  readonly alerts?: readonly AlertNeed[]
}

/** Answer of a declared or ad-hoc read. A call that reverted, or whose answer does not decode, is `ok: false`. */
export type ReadResult<T = unknown> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string }

export type Label = {
  readonly address: Address
  /** Entity, for people: "Binance 14". */
  readonly name: string
  /** `exchange`, `whale`, `treasury`, `bridge`, `mixer`, `own`, … */
  readonly tags: readonly string[]
}

/** Small persisted store of one bot on one chain; what a block wrote disappears when that block is rolled back. Values are JSON and bigint. */
export type BotState = {
  readonly get: <T>(key: string) => T | undefined
  readonly set: (key: string, value: unknown) => void
  readonly delete: (key: string) => void
  readonly keys: (prefix?: string) => readonly string[]
}

export type WindowSample = {
  readonly blockNumber: number
  readonly timestampS: number
  readonly value: bigint
}

/** Samples over block time, with the same rollback as the state. All look-ups are over `(now - spanS, now]`, now being the block's time. */
export type BotWindow = {
  readonly add: (value: bigint) => void
  readonly samples: (spanS: number) => readonly WindowSample[]
  readonly sum: (spanS: number) => bigint
  readonly count: (spanS: number) => number
  readonly min: (spanS: number) => bigint | undefined
  readonly max: (spanS: number) => bigint | undefined
  /** Oldest sample within the span. */
  readonly first: (spanS: number) => WindowSample | undefined
  readonly last: () => WindowSample | undefined
  /** Newest sample at or before `now - spanS`: the value that held when the span began. */
  readonly before: (spanS: number) => WindowSample | undefined
  /** Nearest-rank quantile, q in (0, 1]. */
  readonly quantile: (spanS: number, q: number) => bigint | undefined
}

/** What a bot keeps on another chain, as of that chain's last committed block. */
export type RemoteView = {
  readonly head: { readonly number: number; readonly timestampS: number }
  readonly finalized: { readonly number: number; readonly timestampS: number } | undefined
  /** False while the bot fails there, or is in quarantine: what it keeps may lack something. */
  readonly isWell: boolean
  /** Values of the bot's state there, by key, with the block that set them; a key that is not there is left out. */
  readonly values: ReadonlyMap<string, { readonly value: Json; readonly blockNumber: number }>
}

export type BotContext<P> = {
  readonly botId: string
  readonly chain: { readonly id: number; readonly name: string }
  /** The block being examined. `timestampS` is the only clock a bot may use. */
  readonly block: ChainHeader
  readonly parameters: P
  readonly things: readonly BotThing<P>[]
  readonly thingAt: (address: Address) => BotThing<P> | undefined
  readonly state: BotState
  /** `keepS`: how long samples are kept (block seconds). */
  readonly window: (key: string, options: { readonly keepS: number }) => BotWindow
  /** Declared reads (`needs.reads`), by key. Throws on a key that was not declared. */
  readonly reads: <T = unknown>(key: string) => ReadResult<T>
  /** Ad-hoc reads at this block or at its parent, batched with everybody else's. */
  readonly read: {
    readonly call: <T = unknown>(request: {
      readonly address: Address
      readonly abi: Abi
      readonly functionName: string
      readonly args?: readonly unknown[]
      readonly at?: 'block' | 'parent'
    }) => Promise<ReadResult<T>>
    readonly storage: (address: Address, slot: Hex, at?: 'block' | 'parent') => Promise<Hex>
    readonly code: (address: Address, at?: 'block' | 'parent') => Promise<Hex>
    readonly balance: (address: Address, at?: 'block' | 'parent') => Promise<bigint>
  }
  /**
   * What this bot keeps on another chain of the watchlist, by keys of its state there (plain JSON). Undefined where that
   * chain is not watched by this watcher, and for transactions that are not mined yet. In backtests that chain stands at
   * this block's time. How far it has come live is no function of this block: a bot keeps in its state what it
   * concluded, and concludes nothing from a chain that is behind.
   */
  readonly remote: (chain: string, keys: readonly string[]) => Promise<RemoteView | undefined>
  readonly labels: {
    readonly get: (address: Address) => Label | undefined
    readonly withTag: (tag: string) => readonly Label[]
  }
  readonly log: (message: string, fields?: Record<string, Json>) => void
}

/** A watched thing as one bot sees it: with this bot's parameters for it (defaults, then the bot's, then the thing's own). */
export type BotThing<P> = WatchedThing & { readonly parameters: P }

/** The part of a block that concerns one bot. */
export type BotBlock = ChainHeader & {
  /** Logs that matched `needs.logs`, in order. Logs of reverted transactions do not exist. */
  readonly logs: readonly ChainLog[]
  /** Transactions that matched by log, call, or sender, in order; all their logs are in them. */
  readonly transactions: readonly ChainTransaction[]
  /** Calls that matched `needs.calls`: top-level ones, and internal ones where traces were taken. */
  readonly calls: readonly CallTrace[]
  /** Whether `calls` also holds internal calls for this block. */
  readonly traced: boolean
}

/** A finding of another bot, as `handleAlert` gets it. Frozen; whoever gets it keeps what it needs in its own state. */
export type BotAlert = Readonly<
  Pick<
    FindingRow,
    | 'id'
    | 'botId'
    | 'alertId'
    | 'alertKind'
    | 'condition'
    | 'uniqueKey'
    | 'name'
    | 'description'
    | 'severity'
    | 'type'
    | 'thing'
    | 'owner'
    | 'protocol'
    | 'metadata'
    | 'addresses'
    | 'labels'
    | 'txHash'
  >
> & { readonly source: AlertSource }

/** The block of a finding. What is asked of it costs nothing until it is asked. */
export type AlertBlock = BotBlock & {
  /** Any transaction of the block, with all its logs; undefined where the block was taken without its receipts. */
  readonly transaction: (hash: Hex) => ChainTransaction | undefined
  /** Transactions that the address sent, was called by, or emitted a log in; in order. Reverted ones too. */
  readonly touching: (address: Address) => readonly ChainTransaction[]
}

/**
 * What a bot returns. Identity is (bot, alertId, chain, block hash, tx hash, uniqueKey); of findings of one identity the
 * last one stands.
 */
export type Finding = {
  /** One of the bot's declared `alerts`. */
  readonly alertId: string
  readonly name: string
  readonly description: string
  readonly severity: FindingSeverity
  readonly type: FindingType
  /** Name of the watched thing; the alert key, the owner and the answers follow from it. */
  readonly thing?: string
  readonly protocol?: string
  readonly metadata?: Readonly<Record<string, string>>
  readonly addresses?: readonly Address[]
  readonly labels?: readonly {
    readonly entity: string
    readonly label: string
    readonly confidence: number
  }[]
  readonly txHash?: Hex
  /** Tells findings of one bot, alertId and transaction apart. Default: the thing's name. */
  readonly uniqueKey?: string
  /** For alerts of kind `condition`: does it hold, has it ended, or can it not be told? Default: `holds`. */
  readonly condition?: 'holds' | 'ended' | 'unknown'
}

export type AlertSpec = {
  readonly id: string
  readonly title: string
  /** `event`: it happened. `condition`: it holds until it does not. */
  readonly kind: 'event' | 'condition'
  /** Highest severity that this alert can have. */
  readonly severity: FindingSeverity
}

export type BotScope<P> = {
  readonly chain: { readonly id: number; readonly name: string }
  readonly parameters: P
  readonly things: readonly BotThing<P>[]
  /** Labels of the watchlist and of imported tables. */
  readonly labels: readonly Label[]
}

/** What a program that is hosted made of a block, or of an alert. */
export type HostedAnswer = {
  readonly findings: readonly Finding[]
  /** What it did wrong, one sentence each; what it found all the same stands. */
  readonly faults: readonly string[]
}

/**
 * For whoever hosts a program of others as a bot: it takes whole blocks instead of matched parts, raises alerts that it
 * did not declare (as events), and finds and fails at once. Its `timeoutMs` must allow for a whole block.
 */
export type HostedBot = {
  /** Most findings of one call. */
  readonly maxFindings: number
  /** A block is heard of: its data may be fetched before its turn. */
  readonly prepare?: (block: { readonly number: number; readonly hash: Hex }) => void
  /**
   * Runs the program over a block; for one that is asked about again it must give the same answer. Rejects only when
   * data of the chain could not be had: the block is then tried again.
   */
  readonly handle: (block: ChainHeader) => Promise<HostedAnswer>
  readonly handleAlert?: (alert: BotAlert, block: ChainHeader) => Promise<HostedAnswer>
}

/** A detector: a deterministic function of blocks, state and parameters. */
export type BotDefinition<P = unknown> = {
  /** Kebab-case, stable for ever: part of every finding's identity. */
  readonly id: string
  readonly version: string
  /** One sentence. */
  readonly summary: string
  /** Must fill every default, so that `parse({})` is the bot as shipped. */
  readonly parameters: z.ZodType<P>
  readonly alerts: readonly AlertSpec[]
  /** Kinds of thing it looks at. */
  readonly kinds: readonly ThingKind[]
  /** Narrows further than `kinds`. */
  readonly accepts?: (thing: WatchedThing) => boolean
  /** Called at start-up and after a reload. Throws TocsinError when the thing does not fit (wrong ABI, …). */
  readonly needs: (scope: BotScope<P>) => Needs
  /** Once per process and chain before the first block; `ctx.block` is the last committed block. */
  readonly initialize?: (ctx: BotContext<P>) => Promise<void> | void
  readonly handleBlock?: (
    block: BotBlock,
    ctx: BotContext<P>,
  ) => Promise<readonly Finding[]> | readonly Finding[]
  readonly handleTransaction?: (
    tx: ChainTransaction,
    ctx: BotContext<P>,
    block: BotBlock,
  ) => Promise<readonly Finding[]> | readonly Finding[]
  /**
   * Once for each finding of the block that `needs.alerts` asks for, in the order of the bots and of what each returned;
   * after this bot's own `handleBlock` and `handleTransaction`, where they run. What it writes is part of the block as
   * everything else: committed with it, and gone when it is rolled back.
   */
  readonly handleAlert?: (
    alert: BotAlert,
    ctx: BotContext<P>,
    block: AlertBlock,
  ) => Promise<readonly Finding[]> | readonly Finding[]
  /** Sentences of what is wrong; none when well. */
  readonly healthCheck?: () => Promise<readonly string[]> | readonly string[]
  /** Longest that one handler may take (ms). Default: 5000. */
  readonly timeoutMs?: number
  /** Only of a program that is hosted; it needs no other handler. */
  readonly hosted?: HostedBot
}
