import type { z } from 'zod'
import type { Abi } from 'viem'
import type { Address } from '../base/index.ts'
import type { answerSchema, chainSchema, routeSchema, secretSchema, thingSchema, WatchlistFile } from './schema.ts'

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
    }
  : never

/** One entry of the watchlist, resolved. Narrow by `kind`. */
export type WatchedThing = Resolved<ThingFile>

export type ChainConfig = Omit<ChainFile, 'rpc'> & {
  readonly name: string
  /** Secrets resolved: never log these. */
  readonly rpc: readonly { readonly name: string; readonly http: string; readonly ws: string | undefined }[]
}

export type ChannelConfig =
  | { readonly kind: 'console'; readonly name: string }
  | { readonly kind: 'webhook'; readonly name: string; readonly url: string; readonly secret: string; readonly timeoutMs: number }

/** The whole configuration, validated and resolved. Secrets are resolved only for the process that asks for them. */
export type Config = Omit<WatchlistFile, 'chains' | 'watch' | 'channels' | 'dataDir'> & {
  /** Absolute path of the watchlist, and of the overlay of `--env` when there is one. */
  readonly files: readonly string[]
  readonly env: string | undefined
  /** Absolute. */
  readonly dataDir: string
  readonly chains: readonly ChainConfig[]
  readonly watch: readonly WatchedThing[]
  readonly channels: readonly ChannelConfig[]
  /** SHA-256 of the merged file: part of every process's status row. */
  readonly hash: string
}
