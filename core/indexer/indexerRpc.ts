import { messageOf, redactUrl, TocsinError, withTimeout } from '../base/index.ts'

export type IndexerRpc = (method: string, params: readonly unknown[]) => Promise<unknown>

/** One JSON-RPC call, tried on each endpoint in turn. */
export const createIndexerRpc =
  (chain: string, urls: readonly string[], timeoutMs = 10_000): IndexerRpc =>
  async (method, params) => {
    const failures: string[] = []
    for (const url of urls) {
      try {
        return await withTimeout(
          async (signal) => {
            const response = await fetch(url, {
              method: 'POST',
              headers: { 'content-type': 'application/json' },
              body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
              signal,
            })
            const body: unknown = await response.json()
            if (typeof body !== 'object' || body === null || !('result' in body))
              throw new Error(`${response.status}: no result`)
            return body.result
          },
          timeoutMs,
          method,
        )
      } catch (error) {
        failures.push(`${redactUrl(url)}: ${messageOf(error)}`)
      }
    }
    throw new TocsinError(
      'indexer.rpc',
      `${chain} gave no answer to ${method}: ${failures.join('; ')}`,
      {
        retry: { afterMs: 2_000 },
      },
    )
  }
