import { z } from 'zod'
import { name, urlOrSecret } from './schemaWords.ts'

/** How Tocsin watches itself. */
export const vigilSchema = z.strictObject({
  alarm: name
    .optional()
    .describe('Channel that hears of everything below, whatever the routes say; not the canary’s'),
  canary: z
    .strictObject({
      channel: name.describe('Channel to which a made-up finding travels the whole way'),
      everyS: z.int().min(10).max(86_400).default(600),
      lateAfterS: z.int().min(1).max(3_600).default(60),
    })
    .optional(),
  heartbeat: z
    .strictObject({
      url: urlOrSecret.describe(
        'Called while all is well; whoever is behind it rings when it is not',
      ),
      style: z
        .enum(['healthchecks', 'plain'])
        .default('healthchecks')
        .describe(
          'healthchecks: also /start and /fail; plain: one GET while all is well, else none',
        ),
      everyS: z.int().min(5).max(3_600).default(60),
      timeoutMs: z.int().min(100).max(60_000).default(10_000),
    })
    .optional()
    .describe('Dead man’s switch'),
  lastGasp: z
    .strictObject({
      channel: name.describe('Pager that is called directly while Postgres is away'),
      afterS: z.int().min(1).max(3_600).default(15),
    })
    .optional(),
  silence: z
    .strictObject({
      blocks: z.int().min(2).max(10_000).default(10),
      leastS: z.int().min(1).max(86_400).default(60),
    })
    .default({ blocks: 10, leastS: 60 })
    .describe('No block for so many block times, and at least so long, is an alert'),
  lagBlocks: z.int().min(1).max(100_000).default(20).describe('Behind the head by more: an alert'),
  outbox: z
    .strictObject({
      oldestS: z.int().min(5).max(86_400).default(120),
      pending: z.int().min(10).max(1_000_000).default(2_000),
    })
    .default({ oldestS: 120, pending: 2_000 })
    .describe('A channel that is further behind is an alert by the other channels'),
})
