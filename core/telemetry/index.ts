export { createHeartbeat, HEARTBEAT_MS, type Heartbeat } from './createHeartbeat.ts'
export { createLogger, type Logger } from './createLogger.ts'
export { createMeter, type ServedMeter } from './createMeter.ts'
export { createRpcMetrics, type RpcMetrics } from './createRpcMetrics.ts'
export {
  type CounterMetric,
  type GaugeMetric,
  type HistogramMetric,
  type Meter,
  type MetricDefinition,
  type MetricLabels,
  noMeter,
  SECONDS_BUCKETS,
} from './meter.ts'
export { recordSelfFinding } from './recordSelfFinding.ts'
export { type MetricsServer, serveMetrics } from './serveMetrics.ts'
export type { ProcessReport, RunningProcess } from './types.ts'
