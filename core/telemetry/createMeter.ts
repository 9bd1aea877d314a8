import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { cleanText, messageOf, withTimeout } from '../base/index.ts'
import type { Logger } from './createLogger.ts'
import { type Meter, type MetricDefinition, type MetricLabels, SECONDS_BUCKETS } from './meter.ts'

/** A meter that Prometheus can read. */
export type ServedMeter = Meter & {
  /** What /metrics answers. A reader that fails or hangs leaves its gauges as they were and is counted. */
  readonly scrape: () => Promise<{ readonly contentType: string; readonly body: string }>
}

/** Label sets of one metric beyond so many are counted together as `other`. */
const MAX_SERIES = 2_000
const SCRAPE_LIMIT_MS = 5_000
const OTHER = 'other'

/** Keeps a metric's label sets few and fit to print, whatever is put into them. */
const createLabelGuard = (names: readonly string[]): ((labels: MetricLabels) => MetricLabels) => {
  const known = new Map<string, MetricLabels>()
  const others = Object.fromEntries(names.map((name) => [name, OTHER]))
  return (labels) => {
    const key = names.map((name) => labels[name] ?? '').join('\n')
    const same = known.get(key)
    if (same) return same
    if (known.size >= MAX_SERIES) return others
    const made = Object.fromEntries(names.map((name) => [name, cleanText(labels[name] ?? '', 100)]))
    known.set(key, made)
    return made
  }
}

/** The metrics of one process, those of Node among them; every series carries `service`. */
export const createMeter = (options: {
  readonly service: string
  readonly log?: Logger
}): ServedMeter => {
  const registry = new Registry()
  registry.setDefaultLabels({ service: options.service })
  collectDefaultMetrics({ register: registry })
  const readers: (() => Promise<void> | void)[] = []
  const common = ({ name, help, labels = [] }: MetricDefinition) => ({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
  })
  const failures = new Counter({
    name: 'tocsin_scrape_failures_total',
    help: 'Readings for /metrics that failed; their gauges are old then.',
    registers: [registry],
  })
  const read = async (one: () => Promise<void> | void): Promise<void> => {
    try {
      await withTimeout(async () => one(), SCRAPE_LIMIT_MS, 'A reading for /metrics')
    } catch (error) {
      failures.inc()
      options.log?.warn({ error: messageOf(error) }, 'Some metrics could not be read.')
    }
  }
  return {
    counter: (definition) => {
      const counter = new Counter(common(definition))
      const guard = createLabelGuard(definition.labels ?? [])
      return { add: (labels = {}, by = 1) => counter.inc({ ...guard(labels) }, by) }
    },
    gauge: (definition) => {
      const gauge = new Gauge(common(definition))
      const guard = createLabelGuard(definition.labels ?? [])
      return {
        set: (labels, value) => gauge.set({ ...guard(labels) }, value),
        clear: () => gauge.reset(),
      }
    },
    histogram: (definition) => {
      const histogram = new Histogram({
        ...common(definition),
        buckets: [...(definition.buckets ?? SECONDS_BUCKETS)],
      })
      const guard = createLabelGuard(definition.labels ?? [])
      return { observe: (labels, value) => histogram.observe({ ...guard(labels) }, value) }
    },
    onScrape: (one) => {
      readers.push(one)
    },
    scrape: async () => {
      await Promise.all(readers.map(read))
      return { contentType: registry.contentType, body: await registry.metrics() }
    },
  }
}
