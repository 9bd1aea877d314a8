import type { Abi } from 'viem'
import type { z } from 'zod'
import type { Address } from '../base/index.ts'
import type {
  answerSchema,
  chainSchema,
  routeSchema,
  secretSchema,
  thingSchema,
  WatchlistFile,
} from './schema.ts'

export type ThingFile = z.infer<typeof thingSchema>
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

export type ChannelConfig =
  | { readonly kind: 'console'; readonly name: string }
  | {
      readonly kind: 'webhook'
      readonly name: string
      readonly url: string
      readonly secret: string
      readonly timeoutMs: number
    }

/** Where something stands in the files of the watchlist. Lines and columns begin at 1. */
export type Place = { readonly file: string; readonly line: number; readonly column: number }

/** The signer's part; addresses of endpoints and the password are empty unless the process asked for `signer`. */
export type SignerConfig = Omit<NonNullable<WatchlistFile['signer']>, 'rpc' | 'password'> & {
  /** Per chain name: the signer's own endpoints. */
  readonly rpc: Readonly<Record<string, readonly string[]>>
  /** Absolute path of the Keystore V3 file. */
  readonly keystore: string
  readonly password: string
}

/** The whole configuration, validated and resolved. Secrets are resolved only for the process that asks for them. */
export type Config = Omit<
  WatchlistFile,
  'chains' | 'watch' | 'channels' | 'dataDir' | 'database' | 'signer'
> & {
  /** Absolute path of the watchlist, and of the overlay of `--env` when there is one. */
  readonly files: readonly string[]
  readonly env: string | undefined
  /** Absolute, as are `botsDir` and `actionsDir`. */
  readonly dataDir: string
  readonly chains: readonly ChainConfig[]
  readonly watch: readonly WatchedThing[]
  readonly channels: readonly ChannelConfig[]
  /** `url` is empty unless the process asked for `database`. */
  readonly database?: { readonly url: string } | undefined
  readonly signer?: SignerConfig | undefined
  /** SHA-256 of the merged file: part of every process's status row. */
  readonly hash: string
  /** Where each thing, chain and channel is written: `watch.<name>`, `chains.<name>`, `channels.<name>`, … */
  readonly places?: Readonly<Record<string, Place>>
}
