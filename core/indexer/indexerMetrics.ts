import { z } from 'zod'
import type { Meter, ProcessReport } from '../telemetry/index.ts'

const detailSchema = z.object({
  ready: z.boolean().optional(),
  chains: z
    .record(
      z.string(),
      z.object({
        indexed: z.number().nullish(),
        lagBlocks: z.number().nullish(),
        lagS: z.number().nullish(),
      }),
    )
    .default({}),
})

/** How far the index is, read from its report at each scrape. What is unknown is not shown, rather than shown as well. */
export const registerIndexerMetrics = (
  meter: Meter,
  report: () => ProcessReport | Promise<ProcessReport>,
): void => {
  const gauge = (name: string, help: string) => meter.gauge({ name, help, labels: ['chain'] })
  const ready = meter.gauge({
    name: 'tocsin_indexer_ready',
    help: '1 once history is indexed, 0 before or when it does not answer.',
  })
  const indexed = gauge('tocsin_indexer_block', 'Newest block of the index.')
  const blocks = gauge('tocsin_indexer_lag_blocks', 'Blocks between the head and the index.')
  const seconds = gauge('tocsin_indexer_lag_seconds', 'Block time between the head and the index.')
  meter.onScrape(async () => {
    const parsed = detailSchema.safeParse((await report()).detail)
    for (const one of [indexed, blocks, seconds]) one.clear()
    ready.set({}, parsed.success && parsed.data.ready ? 1 : 0)
    if (!parsed.success) return
    for (const [chain, at] of Object.entries(parsed.data.chains)) {
      if (typeof at.indexed === 'number') indexed.set({ chain }, at.indexed)
      if (typeof at.lagBlocks === 'number') blocks.set({ chain }, at.lagBlocks)
      if (typeof at.lagS === 'number') seconds.set({ chain }, at.lagS)
    }
  })
}
