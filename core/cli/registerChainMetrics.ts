import { Gauge, type Registry } from 'prom-client'
import { z } from 'zod'
import type { RunningProcess } from '../telemetry/index.ts'

const detailSchema = z.object({
  chains: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      head: z.number().nullish(),
      processed: z.number().nullish(),
      finalized: z.number().nullish(),
    }),
  ),
})

/** Gauges of every chain that the watcher follows, read from its report at each scrape. */
export const registerChainMetrics = (registry: Registry, running: RunningProcess): void => {
  const gauge = (name: string, help: string): Gauge<'chain'> =>
    new Gauge({ name, help, labelNames: ['chain'], registers: [registry] })
  const processed = gauge(
    'tocsin_chain_processed_block',
    'Newest block whose findings are committed.',
  )
  const finalized = gauge('tocsin_chain_finalized_block', 'Newest final block.')
  const ok = gauge('tocsin_chain_ok', '1 when the chain is followed without trouble.')
  new Gauge({
    name: 'tocsin_chain_head_block',
    help: 'Newest block that an endpoint told of.',
    labelNames: ['chain'],
    registers: [registry],
    async collect() {
      const { detail } = await running.report()
      const parsed = detailSchema.safeParse(detail)
      if (!parsed.success) return
      for (const chain of parsed.data.chains) {
        const labels = { chain: chain.name }
        if (typeof chain.head === 'number') this.set(labels, chain.head)
        if (typeof chain.processed === 'number') processed.set(labels, chain.processed)
        if (typeof chain.finalized === 'number') finalized.set(labels, chain.finalized)
        ok.set(labels, chain.status === 'ok' ? 1 : 0)
      }
    },
  })
}
