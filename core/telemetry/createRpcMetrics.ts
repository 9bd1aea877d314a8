import { isTocsinError } from '../base/index.ts'
import type { Meter } from './meter.ts'

/** What any reader of a chain tells of its endpoints, by their names: an endpoint's URL may hold a key. */
export type RpcMetrics = {
  readonly onRequest: (sample: {
    readonly chainName: string
    readonly endpoint: string
    readonly calls: number
    readonly durationMs: number
  }) => void
  readonly onError: (chainName: string, endpoint: string, error: unknown) => void
  readonly onHealth: (
    chainName: string,
    endpoint: {
      readonly name?: string | undefined
      readonly ok: boolean
      readonly head?: number | undefined
    },
  ) => void
}

const ENDPOINT = ['chain', 'endpoint'] as const

export const createRpcMetrics = (meter: Meter): RpcMetrics => {
  const requests = meter.counter({
    name: 'tocsin_rpc_requests_total',
    help: 'JSON-RPC calls sent to an endpoint, each call of a batch counted.',
    labels: ENDPOINT,
  })
  const errors = meter.counter({
    name: 'tocsin_rpc_errors_total',
    help: 'Exchanges that an endpoint did not answer, or answered with what cannot be used.',
    labels: [...ENDPOINT, 'code'],
  })
  const durations = meter.histogram({
    name: 'tocsin_rpc_request_seconds',
    help: 'From sending an HTTP exchange to its end, whatever the end.',
    labels: ENDPOINT,
  })
  const up = meter.gauge({
    name: 'tocsin_rpc_endpoint_ok',
    help: '1 when the endpoint answers, serves the right chain and does not lag.',
    labels: ENDPOINT,
  })
  const head = meter.gauge({
    name: 'tocsin_rpc_endpoint_head_block',
    help: 'Newest block that the endpoint told of.',
    labels: ENDPOINT,
  })
  return {
    onRequest: ({ chainName, endpoint, calls, durationMs }) => {
      const labels = { chain: chainName, endpoint }
      requests.add(labels, calls)
      durations.observe(labels, durationMs / 1_000)
    },
    onError: (chainName, endpoint, error) =>
      errors.add({ chain: chainName, endpoint, code: isTocsinError(error) ? error.code : 'other' }),
    onHealth: (chainName, endpoint) => {
      const labels = { chain: chainName, endpoint: endpoint.name ?? 'unnamed' }
      up.set(labels, endpoint.ok ? 1 : 0)
      if (endpoint.head !== undefined) head.set(labels, endpoint.head)
    },
  }
}
