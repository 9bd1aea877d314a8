import type { Abi } from 'viem'
import type { z } from 'zod'
import type { Address } from '../base/index.ts'
import type { CHANNEL_SECRETS, channelSchema } from './channelSchema.ts'
import type { INTAKE_SECRETS, receiverSchema } from './intakeSchema.ts'
import type { ConfigLabel } from './labels/types.ts'
import type {
  answerSchema,
  chainSchema,
  routeSchema,
  thingSchema,
  WatchlistFile,
} from './schema.ts'
import type { secretSchema } from './schemaWords.ts'
import type { senderSchema } from './signerSchema.ts'

export type ThingFile = z.infer<typeof thingSchema>
export type SenderFile = z.infer<typeof senderSchema>
export type ThingKind = ThingFile['kind']
export type SecretRef = z.infer<typeof secretSchema>
export type Route = z.infer<typeof routeSchema>
export type Answer = z.infer<typeof answerSchema>
export type ChainFile = z.infer<typeof chainSchema>

type Resolved<T> = T extends ThingFile
  ? Omit<T, 'abi' | 'address'> & {
      /** Lower case. */
      readonly address: Address
      readonly chainId: number
      /** Loaded ABI, when the watchlist names one. */
      readonly abi: Abi | undefined
      /** Loaded ABIs by implementation, when the watchlist names any. */
      readonly implementationAbis?: Readonly<Record<Address, Abi>>
    }
  : never

/** One entry of the watchlist, resolved. Narrow by `kind`. */
export type WatchedThing = Resolved<ThingFile>

export type ChainConfig = Omit<ChainFile, 'rpc'> & {
  readonly name: string
  /** Secrets resolved: never log these. */
  readonly rpc: readonly {
    readonly name: string
    readonly http: string
    readonly ws: string | undefined
  }[]
}

type ChannelSecret = (typeof CHANNEL_SECRETS)[number]

/** Secrets resolved to plain text: never log these. */
type ResolvedChannel<T> = T extends unknown
  ? {
      readonly [K in keyof T]: K extends ChannelSecret
        ? string | (undefined extends T[K] ? undefined : never)
        : T[K]
    } & { readonly name: string }
  : never

export type ChannelConfig = ResolvedChannel<z.infer<typeof channelSchema>>

type IntakeSecret = (typeof INTAKE_SECRETS)[number]

/** Secrets resolved to plain text: never log these. */
type ResolvedReceiver<T> = T extends unknown
  ? {
      readonly [K in keyof T]: K extends IntakeSecret
        ? string | (undefined extends T[K] ? undefined : never)
        : T[K]
    } & { readonly name: string }
  : never

type SubscriptionFile = WatchlistFile['subscriptions'][string]
type WebhookFile = Extract<SubscriptionFile, { kind: 'webhook' }>

/** Another team that follows our findings. Secrets are empty unless the process asked for them: never log these. */
export type SubscriptionConfig = { readonly name: string } & (
  | (Omit<WebhookFile, 'url' | 'secret' | 'formerSecret'> & {
      readonly url: string
      readonly secret: string
      readonly formerSecret: string | undefined
    })
  | (Omit<Extract<SubscriptionFile, { kind: 'stream' }>, 'token'> & { readonly token: string })
)

type HeartbeatFile = NonNullable<WatchlistFile['vigil']['heartbeat']>

/** How Tocsin watches itself; the URL is empty unless the process asked for `channels`. */
export type VigilConfig = Omit<WatchlistFile['vigil'], 'heartbeat'> & {
  readonly heartbeat?: (Omit<HeartbeatFile, 'url'> & { readonly url: string }) | undefined
}

/** Somebody who may send us something, its secrets empty unless the process asked for `intake`. */
export type ReceiverConfig = ResolvedReceiver<z.infer<typeof receiverSchema>>

/** Where deliveries from outside come in. */
export type IntakeConfig = Omit<NonNullable<WatchlistFile['intake']>, 'receivers'> & {
  readonly receivers: readonly ReceiverConfig[]
}

/** Where something stands in the files of the watchlist. Lines and columns begin at 1. */
export type Place = { readonly file: string; readonly line: number; readonly column: number }

/** A sender with a key of its own, its secrets resolved. */
export type SenderConfig = {
  /** As policies name it. */
  readonly name: string
  /** Name of the chain it serves. */
  readonly chain: string
  readonly url: string
} & (
  | {
      readonly type: 'openzeppelin-relayer'
      readonly apiKey: string
      readonly relayer: string
      readonly address: Address | undefined
    }
  | {
      readonly type: 'defender'
      readonly apiKey: string
      readonly apiSecret: string
      readonly address: Address | undefined
    }
  | { readonly type: 'safe'; readonly apiKey: string; readonly safe: Address }
)

/** A key in a vault, its endpoint resolved. */
export type KeyConfig =
  | {
      readonly type: 'aws-kms'
      readonly keyId: string
      readonly region: string | undefined
      readonly endpoint: string | undefined
    }
  | {
      readonly type: 'gcp-kms'
      readonly keyVersion: string
      readonly endpoint: string | undefined
    }

/** The signer's part; addresses of endpoints and secrets are empty unless the process asked for `signer`. */
export type SignerConfig = Omit<
  NonNullable<WatchlistFile['signer']>,
  | 'rpc'
  | 'privateRpc'
  | 'tenderlyRpc'
  | 'tenderly'
  | 'readiness'
  | 'password'
  | 'keystore'
  | 'key'
  | 'senders'
> & {
  /** Per chain name: the signer's own endpoints. */
  readonly rpc: Readonly<Record<string, readonly string[]>>
  /** Per chain name: endpoints outside the public mempool. */
  readonly privateRpc?: Readonly<Record<string, readonly string[]>> | undefined
  /** Per chain name: Tenderly's node. */
  readonly tenderlyRpc?: Readonly<Record<string, readonly string[]>> | undefined
  readonly tenderly?:
    | {
        readonly account: string
        readonly project: string
        readonly accessKey: string
        readonly url: string | undefined
      }
    | undefined
  readonly readiness?: NonNullable<WatchlistFile['signer']>['readiness'] | undefined
  /** Absolute path of the Keystore V3 file; empty when the key lies in a vault. */
  readonly keystore: string
  readonly password: string
  readonly key?: KeyConfig | undefined
  readonly senders?: readonly SenderConfig[] | undefined
}

/** How people answer and stop; the secrets are empty unless the process asked for `people` or `console`. */
export type PeopleConfig = Omit<NonNullable<WatchlistFile['people']>, 'secret' | 'haltToken'> & {
  readonly secret: string
  readonly haltToken: string
  /** The watchlist names a secret, whether or not this process may see it. */
  readonly hasSecret: boolean
}

type ConsoleFile = WatchlistFile['console']

/** The console; the secret of its identity provider is resolved only for the process that asks for `console`. */
export type ConsoleConfig = Omit<ConsoleFile, 'oidc'> & {
  readonly oidc?:
    | (Omit<NonNullable<ConsoleFile['oidc']>, 'clientSecret'> & {
        readonly clientSecret: string | undefined
      })
    | undefined
}

type OnCallFile = NonNullable<WatchlistFile['onCall']>
type JiraFile = NonNullable<OnCallFile['tickets']['jira']>

/** Who is on call; the token of Jira is empty unless the process asked for `channels`. */
export type OnCallConfig = Omit<OnCallFile, 'tickets'> & {
  readonly tickets: Omit<OnCallFile['tickets'], 'jira'> & {
    readonly jira?:
      | (Omit<JiraFile, 'url' | 'token'> & { readonly url: string; readonly token: string })
      | undefined
  }
}

/** An unmodified bot of the Forta SDK: a folder that is run, or one that runs already (`grpc`). */
export type FortaBotConfig = Omit<WatchlistFile['forta'][string], 'dir'> & {
  /** As findings and routes call it. */
  readonly name: string
  /** Absolute; undefined of a bot over gRPC. */
  readonly dir: string | undefined
}

/** The whole configuration, validated and resolved. Secrets are resolved only for the process that asks for them. */
export type Config = Omit<
  WatchlistFile,
  | 'chains'
  | 'watch'
  | 'channels'
  | 'dataDir'
  | 'database'
  | 'signer'
  | 'people'
  | 'onCall'
  | 'console'
  | 'labels'
  | 'forta'
  | 'intake'
  | 'subscriptions'
  | 'vigil'
> & {
  /** Absolute path of the watchlist, and of the overlay of `--env` when there is one. */
  readonly files: readonly string[]
  readonly env: string | undefined
  /** Absolute, as are `botsDir` and `actionsDir`. */
  readonly dataDir: string
  readonly chains: readonly ChainConfig[]
  readonly watch: readonly WatchedThing[]
  /** Files of labels, absolute, and what they hold, the first file first. Default: none. */
  readonly labels?:
    | { readonly files: readonly string[]; readonly rows: readonly ConfigLabel[] }
    | undefined
  readonly channels: readonly ChannelConfig[]
  /** Hosted bots. Default: none. */
  readonly forta?: readonly FortaBotConfig[] | undefined
  /** `url` is empty unless the process asked for `database`. */
  readonly database?: { readonly url: string } | undefined
  readonly signer?: SignerConfig | undefined
  readonly people?: PeopleConfig | undefined
  readonly console: ConsoleConfig
  readonly intake?: IntakeConfig | undefined
  /** Default: none. */
  readonly subscriptions?: readonly SubscriptionConfig[] | undefined
  readonly vigil?: VigilConfig | undefined
  readonly onCall?: OnCallConfig | undefined
  /** SHA-256 of the merged file: part of every process's status row. */
  readonly hash: string
  /** Where each thing, chain and channel is written: `watch.<name>`, `chains.<name>`, `channels.<name>`, … */
  readonly places?: Readonly<Record<string, Place>>
}
