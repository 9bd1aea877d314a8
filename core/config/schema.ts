import { z } from 'zod'
import { channelSchema } from './channelSchema.ts'
import { consoleSchema } from './consoleSchema.ts'
import { fortaSchema } from './fortaSchema.ts'
import { dependencySchema, incidentsSchema, routeHours } from './incidentsSchema.ts'
import { intakeSchema } from './intakeSchema.ts'
import { onCallSchema } from './onCallSchema.ts'
import { address, name, secretSchema, sev, urlOrSecret } from './schemaWords.ts'
import { signerSchema } from './signerSchema.ts'
import { subscriptionFilterSchema, subscriptionSchema } from './subscriptionSchema.ts'
import { vigilSchema } from './vigilSchema.ts'

/**
 * The watchlist file. One schema validates it, types it, and is exported as JSON Schema for editors.
 * Addresses are strings, quoted or not; secrets are references, never values.
 */

const rpcSchema = z.strictObject({
  http: urlOrSecret.describe('JSON-RPC over HTTP'),
  ws: urlOrSecret.optional().describe('JSON-RPC over WebSocket, for new heads'),
  name: name.optional(),
})

const pendingSchema = z.strictObject({
  enabled: z.boolean().default(true),
  maxPerS: z
    .int()
    .min(1)
    .max(1_000)
    .default(50)
    .describe(
      'Most transactions that are simulated in a second; those that name a watched address first',
    ),
  maxAgeBlocks: z
    .int()
    .min(1)
    .max(1_000)
    .default(25)
    .describe('A finding of a transaction that is not mined after so many blocks is closed'),
  pollMs: z
    .int()
    .min(50)
    .max(10_000)
    .default(250)
    .describe('Pause between polls of a node that tells pending transactions by HTTP only'),
})

export const chainSchema = z.strictObject({
  id: z.int().positive(),
  rpc: z.array(rpcSchema).min(1).max(8),
  blockTimeMs: z.int().min(50).max(600_000).default(12_000).describe('Usual time between blocks'),
  finality: z
    .union([z.literal('tag'), z.strictObject({ depth: z.int().min(1).max(10_000) })])
    .default('tag')
    .describe('"tag" asks the node for its finalized block; depth counts blocks'),
  explorer: z
    .string()
    .regex(/^https?:\/\/[^\s?#]+$/, 'a URL')
    .optional()
    .describe('Block explorer: messages link to its /tx/ and /address/ pages'),
  transactions: z
    .enum(['auto', 'full', 'receipts'])
    .default('auto')
    .describe('"receipts" fetches calldata only of transactions that a bot asked for'),
  traces: z.enum(['debug', 'parity', 'none', 'auto']).default('auto'),
  pollMs: z
    .int()
    .min(20)
    .max(60_000)
    .optional()
    .describe('Pause between polls beside the WebSocket. Default: a quarter of blockTimeMs'),
  startBlock: z
    .int()
    .min(0)
    .optional()
    .describe('Where the watcher starts the first time. Default: the head'),
  multicall3: z
    .union([address, z.literal('none')])
    .optional()
    .describe(
      'Multicall3, by which many reads of a block travel as one call. Default: its address on nearly every chain, where that has code; "none": not used',
    ),
  pending: pendingSchema
    .optional()
    .describe('Watch transactions that are not mined yet, where the endpoints offer them'),
})

const botOverrides = z.record(name, z.record(z.string(), z.unknown())).default({})

const thingBase = {
  name,
  chain: name,
  address,
  owner: name.optional().describe('Who is told; a key of `owners`'),
  protocol: z.string().min(1).optional(),
  deployBlock: z
    .int()
    .min(0)
    .optional()
    .describe('Where the indexer begins. Default: found by search'),
  abi: z
    .string()
    .min(1)
    .optional()
    .describe('Path of an ABI JSON (array, or an artifact with `abi`), from the watchlist'),
  implementations: z
    .record(address, z.string().min(1))
    .optional()
    .describe(
      'ABI files by address of the implementation, for a proxy that was or will be upgraded',
    ),
  proxy: z.boolean().default(false).describe('Follow the implementation behind it'),
  bots: botOverrides.describe('Parameters of single bots for this thing'),
  dependsOn: z
    .array(z.string().min(1).max(200))
    .max(100)
    .optional()
    .describe('What it leans on: names of things, of protocols, or of entries of `dependencies`'),
  notes: z.string().optional(),
}
const adminFunctions = z
  .array(z.string().regex(/^[A-Za-z_$][\w$]*\(.*\)$/, 'a signature such as setFee(uint256)'))
  .default([])
  .describe('Functions only an administrator should call')

const argumentName = z.string().regex(/^[A-Za-z_$][\w$]*$/, 'the name of an argument')
const bridgeEvent = z.strictObject({
  event: z
    .string()
    .regex(
      /^[A-Za-z_$][\w$]*\(.*\)$/,
      'such as Locked(uint256 indexed nonce, address to, uint256 amount)',
    ),
  id: argumentName.optional().describe('Argument that both sides share: nonce, guid, message hash'),
  token: argumentName.optional(),
  amount: argumentName.optional(),
  recipient: argumentName.optional(),
  domain: argumentName.optional().describe('Argument that names the chain of origin'),
})

export const thingSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('contract'), ...thingBase, adminFunctions }),
  z.strictObject({ kind: z.literal('proxy'), ...thingBase, adminFunctions }),
  z.strictObject({
    kind: z.literal('token'),
    ...thingBase,
    adminFunctions,
    symbol: z.string().optional(),
    decimals: z.int().min(0).max(77).optional(),
  }),
  z.strictObject({
    kind: z.literal('vault'),
    ...thingBase,
    adminFunctions,
    asset: address.optional().describe('Underlying token. Default: asset()'),
  }),
  z.strictObject({
    kind: z.literal('pool'),
    ...thingBase,
    variant: z
      .enum(['uniswap-v2', 'uniswap-v3', 'uniswap-v4', 'curve'])
      .describe('Of uniswap-v4 the address is that of the PoolManager'),
    poolId: z
      .string()
      .regex(/^0x[0-9a-fA-F]{64}$/, 'a pool id: 0x and 64 hexadecimal digits')
      .optional()
      .describe('Which pool of the PoolManager; of uniswap-v4 only'),
    lpToken: address
      .optional()
      .describe('Token of the shares of a curve pool. Default: lp_token(), token(), else the pool'),
  }),
  z.strictObject({
    kind: z.literal('lending-market'),
    ...thingBase,
    adminFunctions,
    variant: z.enum(['aave-v3']),
  }),
  z.strictObject({
    kind: z.literal('multisig'),
    ...thingBase,
    variant: z.enum(['safe']).default('safe'),
  }),
  z.strictObject({ kind: z.literal('governor'), ...thingBase, adminFunctions }),
  z.strictObject({ kind: z.literal('timelock'), ...thingBase, adminFunctions }),
  z.strictObject({
    kind: z.literal('oracle'),
    ...thingBase,
    heartbeatS: z
      .int()
      .positive()
      .optional()
      .describe('It speaks at least this often. Default: learned from its own updates'),
    decimals: z.int().min(0).max(36).optional(),
    base: address.optional().describe('Token whose price it tells: finds watched pools of it'),
    quote: address.optional().describe('Token that the price is told in'),
  }),
  z.strictObject({
    kind: z.literal('bridge'),
    ...thingBase,
    adminFunctions,
    remote: z
      .strictObject({
        chain: name,
        address,
        domain: z
          .string()
          .min(1)
          .max(80)
          .optional()
          .describe(
            "How the bridge's events call that chain (endpoint id, domain): releases of other origins are then not compared",
          ),
      })
      .optional()
      .describe(
        'The other side; watch it as a bridge too, so that releases are compared with locks',
      ),
    events: z
      .strictObject({
        lock: z.array(bridgeEvent).max(8).default([]),
        release: z.array(bridgeEvent).max(8).default([]),
      })
      .optional()
      .describe(
        'Events of the bridge. Default: the usual ones, else those of its ABI by their names',
      ),
  }),
  z.strictObject({
    kind: z.literal('treasury'),
    ...thingBase,
    tokens: z.array(address).default([]),
  }),
  z.strictObject({
    kind: z.literal('label'),
    ...thingBase,
    tags: z.array(name).min(1).describe('exchange, whale, treasury, bridge, mixer, own'),
  }),
])

const findingSeverity = z.enum(['Critical', 'High', 'Medium', 'Low', 'Info'])

const matcher = {
  severity: z.array(sev).min(1).optional(),
  owner: z.array(name).min(1).optional(),
  bot: z.array(name).min(1).optional(),
  alertId: z.array(z.string()).min(1).optional(),
  thing: z.array(name).min(1).optional(),
}

export const routeSchema = z.strictObject({
  name: name.optional(),
  match: z.strictObject(matcher).default({}),
  channels: z.array(name).min(1),
  continue: z.boolean().default(false).describe('Go on to the routes below after a match'),
  during: z
    .union([z.literal('business'), routeHours])
    .optional()
    .describe(
      'When its channels are told: in `incidents.businessHours`, or between two times of a day; what still holds is told when they begin. SEV1 never waits. Default: always',
    ),
  severityMap: z
    .partialRecord(findingSeverity, sev)
    .optional()
    .describe('Replaces the usual Critical=SEV1 … Low=SEV4'),
})

export const answerSchema = z.strictObject({
  when: z.strictObject({
    bot: z.array(name).min(1),
    alertId: z.array(z.string()).min(1).optional(),
    thing: z.array(name).min(1).optional(),
    minSeverity: findingSeverity.default('Critical'),
  }),
  action: name.describe('Id of an approved policy file'),
})

/** A file of labels beside the watchlist. */
export const labelFileSchema = z.union([
  z.string().min(1),
  z.strictObject({
    file: z.string().min(1).describe('CSV, YAML or JSON, from the watchlist'),
    chain: name.optional().describe('Chain of rows that name none. Default: every chain'),
    tags: z.array(name).default([]).describe('Given to each of its rows: exchange, bridge, …'),
    source: name.optional().describe('What it is called. Default: the name of the file'),
  }),
])

export const watchlistSchema = z.strictObject({
  version: z.literal(1),
  name,
  dataDir: z.string().min(1).default('.tocsin'),
  database: z
    .strictObject({ url: secretSchema })
    .optional()
    .describe('Default: DATABASE_URL, else an embedded Postgres in dataDir'),
  chains: z.record(name, chainSchema),
  owners: z.record(name, z.strictObject({ description: z.string().optional() })).default({}),
  watch: z.array(thingSchema).min(1),
  labels: z
    .array(labelFileSchema)
    .max(50)
    .default([])
    .describe('Files that say who is behind an address: exchanges, bridges, mixers, your own'),
  bots: z
    .record(
      name,
      z.strictObject({
        enabled: z.boolean().default(true),
        parameters: z.record(z.string(), z.unknown()).default({}),
      }),
    )
    .default({})
    .describe('Bots that are switched on, with their parameters'),
  botsDir: z
    .string()
    .min(1)
    .optional()
    .describe('Folder with bots of your own, from the watchlist'),
  forta: fortaSchema
    .default({})
    .describe('Unmodified bots of the Forta SDK, hosted each in a process of its own'),
  channels: z.record(name, channelSchema).default({ console: { kind: 'console' } }),
  routes: z.array(routeSchema).default([{ match: {}, channels: ['console'], continue: false }]),
  answers: z.array(answerSchema).default([]),
  actionsDir: z
    .string()
    .min(1)
    .default('actions')
    .describe('Folder of the approved policy files, from the watchlist'),
  signer: signerSchema.optional(),
  console: consoleSchema.default({ host: '127.0.0.1', port: 4680 }),
  people: z
    .strictObject({
      url: z
        .string()
        .regex(/^https?:\/\/\S+$/, 'a URL')
        .optional()
        .describe('Where people reach the console: the links of proposals begin with it'),
      secret: secretSchema
        .optional()
        .describe('Signs those links, 32 characters or more. Default: people.key in dataDir'),
      haltToken: secretSchema
        .optional()
        .describe('Bearer token of POST /api/halt. Default: that call is refused'),
      channels: z
        .record(z.string().min(1).max(200), name)
        .default({})
        .describe('The channel that reaches one person alone, by name under `signer.approvers`'),
    })
    .optional()
    .describe('How people answer proposals and stop everything'),
  onCall: onCallSchema
    .optional()
    .describe('Who is on call, and what happens when nobody answers a page'),
  incidents: incidentsSchema
    .optional()
    .describe('How alerts become incidents, and how often people hear of them'),
  dependencies: z
    .record(z.string().min(1).max(200), dependencySchema)
    .default({})
    .describe('What things lean on that is not watched itself: endpoints, venues, protocols'),
  intake: intakeSchema
    .optional()
    .describe('Alerts of other watchers and answers to pages come in here'),
  subscriptions: z
    .record(name, subscriptionSchema)
    .default({})
    .describe('Other teams that follow our findings, by webhook or by stream'),
  vigil: vigilSchema
    .default({
      silence: { blocks: 10, leastS: 60 },
      lagBlocks: 20,
      outbox: { oldestS: 120, pending: 2_000 },
    })
    .describe('How Tocsin watches itself'),
  indexer: z
    .strictObject({
      enabled: z.boolean().default(true),
      host: z.string().default('127.0.0.1'),
      port: z.int().min(0).max(65_535).default(42_069),
    })
    .default({ enabled: true, host: '127.0.0.1', port: 42_069 }),
  metrics: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      basePort: z.int().min(0).max(65_000).default(9_460),
    })
    .default({ host: '127.0.0.1', basePort: 9_460 }),
})

/** For filters that come by other ways than the file. */
export { incidentsSchema, subscriptionFilterSchema }

export type WatchlistFile = z.infer<typeof watchlistSchema>
