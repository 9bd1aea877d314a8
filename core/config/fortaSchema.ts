import { z } from 'zod'
import { name } from './schemaWords.ts'

/** Unmodified bots of the Forta SDK that are hosted here, by the names that routes and findings know them by. */
export const fortaSchema = z.record(
  name,
  z.strictObject({
    enabled: z.boolean().default(true),
    dir: z
      .string()
      .min(1)
      .optional()
      .describe('Folder with its package.json and node_modules, from the watchlist'),
    grpc: z
      .string()
      .regex(/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):\d{1,5}$/, 'host:port')
      .optional()
      .describe('Instead of `dir`: where the bot runs already, for example 127.0.0.1:50051'),
    chains: z
      .array(name)
      .min(1)
      .optional()
      .describe('Default: the chains of the watchlist that its package.json names by `chainIds`'),
    compat: z
      .enum(['sdk', 'cli', 'node'])
      .default('sdk')
      .describe(
        'Events as the SDK’s types declare them, as its command line makes them, or as a scan node sends them',
      ),
    timeoutMs: z
      .int()
      .min(100)
      .max(60_000)
      .default(5_000)
      .describe('Longest that one handler may take'),
    traces: z.boolean().default(true).describe('Whether its transactions come with traces'),
    patienceMs: z
      .int()
      .min(100)
      .max(300_000)
      .default(15_000)
      .describe('Of a bot over gRPC: how long a block waits for it while it cannot be reached'),
    parallel: z
      .int()
      .min(1)
      .max(64)
      .default(1)
      .describe('Of a bot over gRPC: transactions that it is asked about at once'),
    rpcPort: z
      .int()
      .min(1)
      .max(65_535)
      .optional()
      .describe('Of a bot over gRPC: port of loopback at which it is served JSON-RPC'),
    botId: z
      .string()
      .regex(/^0x[0-9a-fA-F]{64}$/, 'a bot id of 32 bytes')
      .optional()
      .describe('What the SDK’s getBotId answers, and what other bots subscribe to'),
    env: z
      .array(z.string().regex(/^[A-Za-z_]\w*$/, 'the name of an environment variable'))
      .max(50)
      .default([])
      .describe('Environment variables of the watcher that it may see'),
  }),
)
