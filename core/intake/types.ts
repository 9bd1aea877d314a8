import type { FindingSeverity, FindingType } from '../base/index.ts'

/** One delivery as it came over the wire: judged as bytes, before anything is parsed. */
export type IntakeRequest = {
  readonly method: 'POST' | 'GET'
  /** The body, no longer than the receiver takes. */
  readonly raw: Buffer
  /** Names in lower case; of a header that came twice the values, joined by `, `. */
  readonly headers: Readonly<Record<string, string>>
  /** What follows the name of the receiver and its secret: '' or `/…`. */
  readonly path: string
  readonly query: URLSearchParams
  /** The address that the vendor called, as `intake.url` says it; undefined where the watchlist names none. */
  readonly url: string | undefined
  /** When it came (ms since epoch). */
  readonly atMs: number
}

/** Why a delivery is not taken. `reason` is a stable word for metrics; `say` goes to the sender, and tells no secret. */
export type Refusal = {
  readonly verdict: 'refused'
  readonly status: 400 | 401 | 403 | 404 | 405 | 408 | 409 | 413 | 415 | 422 | 429 | 503
  readonly reason: string
  readonly say: string
  /** Sent as Retry-After (s). */
  readonly retryAfterS?: number
}

/** What somebody outside found. Texts are cleaned and bounded again before they are stored. */
export type ExternalFinding = {
  readonly kind: 'finding'
  /** Tells it from all others of its receiver, for ever: a second one with the same key is a repeat. */
  readonly key: string
  /** What sort of thing it is, in the words of the sender: `FORTA-1`, a name of a monitor. */
  readonly alertId: string
  readonly name: string
  readonly description: string
  readonly severity: FindingSeverity
  readonly type: FindingType
  /** 0: no chain. */
  readonly chainId: number
  readonly blockNumber: number | undefined
  readonly blockHash: string | undefined
  /** Seconds. Default: when it came. */
  readonly timestampS: number | undefined
  readonly txHash: string | undefined
  /** Lower case. */
  readonly addresses: readonly string[]
  readonly metadata: Readonly<Record<string, string>>
  readonly protocol: string | undefined
  /** Of something that lasts: whether it holds or has ended. Default: it happened. */
  readonly condition?: 'holds' | 'ended'
  /** What findings of one condition have in common. Default: `key`. */
  readonly subject?: string
}

/** Somebody answers a page at the vendor that sent it. */
export type Acknowledgement = {
  readonly kind: 'acknowledgement'
  readonly act: 'acknowledge' | 'unacknowledge' | 'resolve' | 'comment' | 'escalate'
  /** What the page was about, as the channel had named it: an incident, an alert, or the channel's own key. */
  readonly about:
    | { readonly incidentId: string }
    | { readonly alertId: string }
    | { readonly dedupKey: string }
  /** Who, as the vendor names them: an id, a number, an address. */
  readonly by: string
  /** When, by the vendor's clock (ms since epoch). */
  readonly atMs: number
  readonly text: string | undefined
  readonly detail?: Readonly<Record<string, string>>
}

/** Something genuine that nothing follows from: a test message, an event of another sort. It is counted. */
export type Note = { readonly kind: 'note'; readonly text: string }

export type IntakeEvent = ExternalFinding | Acknowledgement | Note

export type IntakeAnswer = {
  readonly status: 200 | 201 | 202 | 204
  readonly contentType?: string
  readonly body?: string
}

/** What became of one event: the words of the handler of acknowledgements, for vendors that show the answer. */
export type Outcome = { readonly event: IntakeEvent; readonly text: string | undefined }

/** A genuine delivery. Its replay mark and its events are stored in one transaction, before the answer. */
export type Acceptance = {
  readonly verdict: 'accepted'
  readonly events: readonly IntakeEvent[]
  /**
   * Tells a delivery from all others, where the vendor gives it an id or a signature of its own: one that comes again
   * within `forMs` changes nothing and is answered like the first (`accept`), or by 409 (`conflict`).
   */
  readonly once?: {
    readonly key: string
    readonly forMs: number
    readonly repeat: 'accept' | 'conflict'
  }
  /** Default: 202 and no body. */
  readonly answer?: IntakeAnswer | ((outcomes: readonly Outcome[]) => IntakeAnswer)
}

export type Verdict = Refusal | Acceptance

/**
 * A sort of sender. `read` judges and translates; it stores nothing, and answers the same for the same bytes and time.
 * One that throws is answered by 500 and told as a fault of ours.
 */
export type ReceiverKind<Settings = unknown> = {
  /** As `intake.receivers.<name>.kind` says it. */
  readonly kind: string
  /** Types of bodies that it takes, parameters left out. Default: `application/json`. */
  readonly contentTypes?: readonly string[]
  /** Largest body (bytes). Default: 262144. */
  readonly maxBytes?: number
  /** Some vendors ask by GET whether somebody is there. Default: POST alone. */
  readonly methods?: readonly ('POST' | 'GET')[]
  readonly read: (request: IntakeRequest, settings: Settings) => Promise<Verdict>
}

/** Does what an acknowledgement asks for; the text goes back to the vendor. Given to the intake by whoever wires it. */
export type HandleAcknowledgement = (
  event: Acknowledgement,
  receiver: { readonly name: string; readonly kind: string },
) => Promise<{ readonly text?: string }>
