/** Label values by name. Only values of a small, known set: names of bots, chains, channels, endpoints, actions. Never addresses, URLs or what a stranger wrote. */
export type MetricLabels = Readonly<Record<string, string>>

export type MetricDefinition = {
  /** `tocsin_…`, in base units (`_seconds`, `_blocks`); counters end in `_total`. */
  readonly name: string
  /** One sentence. */
  readonly help: string
  readonly labels?: readonly string[]
}

/** Only ever grows. Start it with `add(labels, 0)` where an alert must see the first step. */
export type CounterMetric = { readonly add: (labels?: MetricLabels, by?: number) => void }

export type GaugeMetric = {
  readonly set: (labels: MetricLabels, value: number) => void
  /** Forgets every label set; what is set afterwards is all there is. */
  readonly clear: () => void
}

export type HistogramMetric = { readonly observe: (labels: MetricLabels, value: number) => void }

/** Where a room registers what it measures: rooms know this port and never the library behind it. */
export type Meter = {
  readonly counter: (definition: MetricDefinition) => CounterMetric
  readonly gauge: (definition: MetricDefinition) => GaugeMetric
  readonly histogram: (
    definition: MetricDefinition & {
      /** Upper bounds, ascending. Default: 1 ms to 60 s. */
      readonly buckets?: readonly number[]
    },
  ) => HistogramMetric
  /** `read` runs before every scrape, to set gauges from what only costs when it is asked for. */
  readonly onScrape: (read: () => Promise<void> | void) => void
}

/** For tests and one-off commands: measures nothing. */
export const noMeter: Meter = {
  counter: () => ({ add: () => undefined }),
  gauge: () => ({ set: () => undefined, clear: () => undefined }),
  histogram: () => ({ observe: () => undefined }),
  onScrape: () => undefined,
}

/** Upper bounds (s) for what takes milliseconds when all is well and minutes when it is not. */
export const SECONDS_BUCKETS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60,
]
