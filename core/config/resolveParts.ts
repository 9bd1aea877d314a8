import { resolve } from 'node:path'
import type { Address } from '../base/index.ts'
import { CHANNEL_SECRETS } from './channelSchema.ts'
import { INTAKE_SECRETS } from './intakeSchema.ts'
import { loadAbi } from './loadAbi.ts'
import type { WatchlistFile } from './schema.ts'
import type { Secrets } from './secrets.ts'
import type {
  ChannelConfig,
  Config,
  ReceiverConfig,
  SenderConfig,
  SenderFile,
  SubscriptionConfig,
  ThingFile,
  VigilConfig,
  WatchedThing,
} from './types.ts'

/** Parts of the watchlist as the program has them: secrets are plain text, addresses lower-case, paths absolute. */
export const lower = (address: string): Address => `0x${address.slice(2).toLowerCase()}`

export const resolveThing = (thing: ThingFile, chainId: number, folder: string): WatchedThing => {
  const answer = thing.abi === undefined ? undefined : loadAbi(resolve(folder, thing.abi))
  const abi = answer?.ok ? answer.abi : undefined
  const implementations = Object.entries(thing.implementations ?? {}).flatMap(([address, path]) => {
    const found = loadAbi(resolve(folder, path))
    return found.ok ? [[lower(address), found.abi] as const] : []
  })
  const rest = {
    address: lower(thing.address),
    chainId,
    abi,
    ...(implementations.length > 0
      ? { implementationAbis: Object.fromEntries(implementations) }
      : {}),
  }
  switch (thing.kind) {
    case 'vault':
      return { ...thing, ...rest, asset: thing.asset && lower(thing.asset) }
    case 'treasury':
      return { ...thing, ...rest, tokens: thing.tokens.map(lower) }
    case 'pool':
      return {
        ...thing,
        ...rest,
        poolId: thing.poolId?.toLowerCase(),
        lpToken: thing.lpToken && lower(thing.lpToken),
      }
    case 'bridge':
      return {
        ...thing,
        ...rest,
        remote: thing.remote && { ...thing.remote, address: lower(thing.remote.address) },
      }
    default:
      return { ...thing, ...rest }
  }
}

/** Secrets become plain text; a default that the file does not write stays as it is. */
export const resolveChannels = (file: WatchlistFile, secrets: Secrets): readonly ChannelConfig[] =>
  Object.entries(file.channels).map(([name, channel]) => {
    const resolved = Object.entries(channel).map(([key, value]) => {
      if (!CHANNEL_SECRETS.some((secret) => secret === key)) return [key, value]
      return [key, secrets.at(['channels', name, key]) || (typeof value === 'string' ? value : '')]
    })
    return { ...Object.fromEntries(resolved), name } as ChannelConfig
  })

export const resolveReceivers = (
  receivers: NonNullable<WatchlistFile['intake']>['receivers'],
  secrets: Secrets,
): readonly ReceiverConfig[] =>
  Object.entries(receivers).map(([name, receiver]) => {
    const resolved = Object.entries(receiver).map(([key, value]) => [
      key,
      INTAKE_SECRETS.some((secret) => secret === key)
        ? secrets.at(['intake', 'receivers', name, key])
        : value,
    ])
    return { ...Object.fromEntries(resolved), name } as ReceiverConfig
  })

const resolveSender = (
  name: string,
  sender: SenderFile,
  at: (...path: readonly string[]) => string,
): SenderConfig => {
  const base = { name, chain: sender.chain, url: at('url') }
  switch (sender.type) {
    case 'openzeppelin-relayer':
      return {
        ...base,
        type: sender.type,
        relayer: sender.relayer,
        apiKey: at('apiKey'),
        address: sender.address === undefined ? undefined : lower(sender.address),
      }
    case 'defender':
      return {
        ...base,
        type: sender.type,
        apiKey: at('apiKey'),
        apiSecret: at('apiSecret'),
        address: sender.address === undefined ? undefined : lower(sender.address),
      }
    case 'safe':
      return { ...base, type: sender.type, apiKey: at('apiKey'), safe: lower(sender.safe) }
  }
}

export const resolveSigner = (
  file: WatchlistFile,
  secrets: Secrets,
  folder: string,
): Config['signer'] => {
  const { signer } = file
  if (!signer) return undefined
  const endpoints = (
    part: 'rpc' | 'privateRpc' | 'tenderlyRpc',
  ): Readonly<Record<string, readonly string[]>> =>
    Object.fromEntries(
      Object.entries(signer[part]).map(([chain, urls]) => [
        chain,
        urls.map((_, index) => secrets.at(['signer', part, chain, index])),
      ]),
    )
  const endpoint = secrets.at(['signer', 'key', 'endpoint']) || undefined
  return {
    ...signer,
    keystore: signer.keystore === undefined ? '' : resolve(folder, signer.keystore),
    password: secrets.at(['signer', 'password']),
    rpc: endpoints('rpc'),
    privateRpc: endpoints('privateRpc'),
    tenderlyRpc: endpoints('tenderlyRpc'),
    tenderly: signer.tenderly && {
      ...signer.tenderly,
      accessKey: secrets.at(['signer', 'tenderly', 'accessKey']),
      url: secrets.at(['signer', 'tenderly', 'url']) || undefined,
    },
    key:
      signer.key?.type === 'aws-kms'
        ? { ...signer.key, region: signer.key.region, endpoint }
        : signer.key && { ...signer.key, endpoint },
    senders: Object.entries(signer.senders).map(([name, sender]) =>
      resolveSender(name, sender, (...path) => secrets.at(['signer', 'senders', name, ...path])),
    ),
  }
}

export const resolveSubscriptions = (
  file: WatchlistFile,
  secrets: Secrets,
): readonly SubscriptionConfig[] =>
  Object.entries(file.subscriptions).map(([name, entry]) => {
    const at = (key: string): string => secrets.at(['subscriptions', name, key])
    if (entry.kind === 'stream') return { ...entry, name, token: at('token') }
    const formerSecret = at('formerSecret') || undefined
    return { ...entry, name, url: at('url'), secret: at('secret'), formerSecret }
  })

export const resolveVigil = (file: WatchlistFile, secrets: Secrets): VigilConfig => {
  const { heartbeat } = file.vigil
  return {
    ...file.vigil,
    heartbeat: heartbeat && { ...heartbeat, url: secrets.at(['vigil', 'heartbeat', 'url']) },
  }
}

export const resolveOnCall = (file: WatchlistFile, secrets: Secrets): Config['onCall'] => {
  const { onCall } = file
  if (!onCall) return undefined
  const { jira } = onCall.tickets
  const at = (key: string): string => secrets.at(['onCall', 'tickets', 'jira', key])
  return {
    ...onCall,
    tickets: { ...onCall.tickets, jira: jira && { ...jira, url: at('url'), token: at('token') } },
  }
}
