import type { Json, Sev } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import type { LabelledConfig } from '../labels/index.ts'
import type { tables } from '../store/index.ts'

export type FindingRow = typeof tables.finding.$inferSelect
export type AlertRow = typeof tables.alert.$inferSelect
export type IncidentRow = typeof tables.incident.$inferSelect
export type OutboxRow = typeof tables.outbox.$inferSelect

/**
 * What people are told of. `reopened`: it is there again after a resolution or retraction, or its source answers again
 * after `unknown`. Folding a further finding is not told.
 */
export type AlertChange =
  | 'opened'
  | 'raised'
  | 'unknown'
  | 'resolved'
  | 'retracted'
  | 'reopened'
  /** Of an incident, by its gravest alert: further alerts joined it, and are told by this one message. */
  | 'digest'
  /** Nobody has acknowledged it yet. */
  | 'repeated'
  /** It comes and goes; nothing more is told until it is stable. */
  | 'flapping'
  /** Of a page, for whoever was paged: somebody has it in hand. */
  | 'answered'

/** The part of the watchlist that decides who is told. */
export type RoutingConfig = Pick<Config, 'routes' | 'channels' | 'chains'> &
  LabelledConfig &
  Partial<Pick<Config, 'incidents' | 'dependencies' | 'people'>>

/** What a channel delivers: version 1 of the alert message. All strings are bounded and cleaned. */
export type AlertMessage = {
  readonly schema: 'tocsin.alert.v1'
  /** Deterministic; receivers drop repeats by it. Also the `webhook-id`. */
  readonly dedupKey: string
  readonly change: AlertChange
  /** Counts the changes of this alert that were told, from 1. */
  readonly ordinal: number
  readonly alert: string
  readonly incident: string | null
  readonly status: AlertRow['status']
  readonly kind: AlertRow['kind']
  readonly severity: Sev
  readonly title: string
  readonly summary: string
  readonly bot: string
  readonly alertId: string
  /** `explorer`: a block explorer's address, where the watchlist names one. */
  readonly chain: { readonly id: number; readonly name: string; readonly explorer?: string }
  readonly thing: string | null
  readonly owner: string | null
  readonly protocol: string | null
  readonly blocks: { readonly first: number; readonly last: number }
  /** Newest first, at most 10. */
  readonly transactions: readonly string[]
  readonly addresses: readonly string[]
  /** Names of the addresses in this message, by lower-case address; left out when none is known. */
  readonly labels?: Readonly<Record<string, string>>
  /** Facts that the newest finding gives. */
  readonly evidence: Readonly<Record<string, string>>
  readonly findings: number
  /** Whether all of its blocks are final. */
  readonly final: boolean
  readonly runbook: string | null
  readonly times: {
    readonly opened: string
    readonly changed: string
    readonly closed: string | null
  }
  /** Where the one person is whom it is for, on a channel that serves several: a number, an address, a chat, a user. */
  readonly to?: string
  /** Of a page: how often it was in somebody's hands before. For each time a pager opens a new one, which rings. */
  readonly round?: number
  /** What buttons under the message carry: opaque, for one use. Made when it is sent; the outbox holds none. */
  readonly buttons?: {
    readonly acknowledge?: string
    readonly approve?: string
    readonly deny?: string
    /** Four digits: what an SMS that acknowledges it says. */
    readonly reply?: string
    /** Where Twilio tells of the key that was pressed in a call. */
    readonly call?: string
  }
  /** Of a digest: how many alerts, in how many incidents, it speaks of. */
  readonly more?: { readonly alerts: number; readonly incidents: number }
  /** What Tocsin does or wants to do about it: executions that its findings asked for, newest first, at most 5. */
  readonly doing?: readonly {
    readonly execution: string
    readonly action: string
    readonly status: string
    readonly link: string | null
  }[]
  /** Of a proposal, for the one person whose channel this is: pages on which they approve or deny it. */
  readonly links?: { readonly approve: string; readonly deny: string }
}

/**
 * What became of one attempt. `retry`: later, for ever; `afterMs` is the receiver's own wish. `dead`: the receiver
 * refuses it for good. Reasons are for people: no secret, no path of a URL.
 */
export type SendResult =
  | { readonly kind: 'sent' }
  | { readonly kind: 'retry'; readonly reason: string; readonly afterMs?: number }
  | { readonly kind: 'dead'; readonly reason: string }

/** Where messages of one lane (an incident, else an alert) stand at the far end: what a thread or an edit needs. */
export type ThreadBook = {
  readonly find: (lane: string) => Promise<string | undefined>
  readonly keep: (lane: string, reference: string) => Promise<void>
}

/** How fast a receiver takes messages: `perMinute` in the long run, `burst` at once. */
export type Pace = { readonly perMinute: number; readonly burst: number }

/** A way to people. `send` never throws and ends within `timeoutMs`. */
export type Channel = {
  readonly name: string
  readonly kind: string
  /** Left out: as fast as it goes. */
  readonly pace?: Pace
  /** Longest that one `send` may take (ms). */
  readonly timeoutMs: number
  readonly send: (message: AlertMessage, signal: AbortSignal) => Promise<SendResult>
}

/** Figures of one channel, for health and for people. */
export type ChannelFigures = {
  readonly pending: number
  readonly oldestPendingS: number
  readonly dead: number
  readonly lastError: string | null
}

export type JsonObject = { [key: string]: Json }
