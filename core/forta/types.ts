/**
 * How events are made. `sdk`: as the SDK's types declare them. `cli`: exactly as `forta-agent run` makes them, with its
 * known faults. `node`: exactly as a scan node sends them over gRPC.
 */
export type Compat = 'sdk' | 'cli' | 'node'

/** A transaction of `eth_getBlockBy*`, as the node gives it. */
export type RawTransaction = Readonly<Record<string, unknown>> & { readonly hash: string }

/** A `Finding` of the SDK as it leaves the child; unknown until it is mapped. */
export type RawFinding = Readonly<Record<string, unknown>>

/** A bot's directory, looked at. */
export type BotPackage = {
  /** Absolute. */
  readonly dir: string
  readonly name: string
  readonly version: string
  readonly description: string
  /** `chainIds` of package.json. */
  readonly chainIds: readonly number[]
  readonly language: 'javascript' | 'typescript'
  /** Of the SDK: 1 is `forta-agent`, 2 is `@fortanetwork/forta-bot`. */
  readonly generation: 1 | 2
  /** Module of the agent, as the SDK's own command line finds it; of a bot of the second SDK its `main`. */
  readonly agentPath: string
  /** Folder of the bot's own SDK. */
  readonly sdkDir: string
  readonly sdkVersion: string
}

/** How a bot is to be hosted. */
export type HostedBotOptions = {
  /** As the watchlist calls it; part of every finding's identity. */
  readonly id: string
  readonly dir: string
  /** Default: `sdk`. */
  readonly compat?: Compat
  /** Longest that one handler may take (ms). Default: 5000. */
  readonly timeoutMs?: number
  /** Whether its transactions come with traces. Default: true. */
  readonly traces?: boolean
  /** `FORTA_BOT_ID`. Default: not set, as on the SDK's command line. */
  readonly fortaBotId?: string | undefined
  /** Names of environment variables that it may see, beside a few harmless ones. */
  readonly env?: readonly string[]
  /** What it finds in `process.argv` after the SDK's program. Default: `run`, as live on the SDK's command line. */
  readonly argv?: readonly string[]
}

/** A bot that runs already, reached over gRPC. */
export type GrpcBotOptions = {
  /** As the watchlist calls it; part of every finding's identity. */
  readonly id: string
  /** `host:port`, without TLS. */
  readonly address: string
  /** Longest that one call may take (ms). Default: 5000. */
  readonly timeoutMs?: number
  /** How long a block waits for a bot that cannot be reached (ms). Default: 15000. */
  readonly patienceMs?: number
  /** Transactions that it is asked about at once. Default: 1, strictly one after another. */
  readonly parallel?: number
  /** Whether its transactions come with traces. Default: true. */
  readonly traces?: boolean
  /** By which others subscribe to it. Default: its name. */
  readonly fortaBotId?: string | undefined
}
