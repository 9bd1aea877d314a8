import type { PublicClient } from 'viem'
import type { Fault } from '../fault.ts'
import type { ChainConfig, Config, Place, WatchedThing } from '../types.ts'
import { createProbeClient } from './probeClient.ts'
import { type EndpointReport, probeEndpoint } from './probeEndpoint.ts'
import { probeThing } from './probeThing.ts'

export type ProbeFault = Fault & {
  /** A warning does not keep anything from starting. */
  readonly severity: 'fault' | 'warning'
  /** The chain gave no answer: nobody knows whether it is wrong. */
  readonly unsure?: true
}

export type ProbeReport = {
  readonly endpoints: readonly EndpointReport[]
  /** In the order of the file. */
  readonly faults: readonly ProbeFault[]
  /** Names of things that were looked at. */
  readonly checked: readonly string[]
}

export type ProbeOptions = {
  /** Longest wait for one answer (ms). Default: 5000. */
  readonly timeoutMs?: number
  /** Things looked at at the same time, per chain. Default: 8. */
  readonly concurrency?: number
  readonly onProgress?: (done: number, total: number) => void
}

const mapLimit = async <T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> => {
  const queue = items.values()
  const worker = async (): Promise<void> => {
    for (const item of queue) await work(item)
  }
  await Promise.all(Array.from({ length: Math.max(1, limit) }, worker))
}

type Asked = {
  readonly chain: ChainConfig
  readonly index: number
  readonly url: string
  readonly report: EndpointReport
}

/**
 * Compares the watchlist with the chains: endpoints and chain ids, code, ABIs and kinds. Reads only, at the latest block.
 * Needs the secrets of `rpc`. Never throws; what could not be asked is a fault too.
 */
export const probeWatchlist = async (
  config: Config,
  options: ProbeOptions = {},
): Promise<ProbeReport> => {
  const { timeoutMs = 5_000, concurrency = 8, onProgress } = options
  const faults: ProbeFault[] = []
  const start: Place = { file: config.files[0] ?? 'watchlist.yaml', line: 1, column: 1 }
  const place = (...keys: readonly string[]): Place =>
    keys.map((key) => config.places?.[key]).find((at) => at !== undefined) ?? start
  const add = (
    severity: ProbeFault['severity'],
    at: Place,
    path: string,
    problem: string,
    mend: string,
    unsure?: true,
  ): void => {
    faults.push({ ...at, severity, path, problem, mend, ...(unsure ? { unsure } : {}) })
  }

  const asked: Asked[] = await Promise.all(
    config.chains.flatMap((chain) =>
      chain.rpc.flatMap((endpoint, index) =>
        [endpoint.http, endpoint.ws]
          .filter((url): url is string => Boolean(url))
          .map(async (url) => ({
            chain,
            index,
            url,
            report: await probeEndpoint({ chain: chain.name, name: endpoint.name, url }, timeoutMs),
          })),
      ),
    ),
  )
  for (const { chain, index, report } of asked) {
    const path = `chains.${chain.name}.rpc[${index}]`
    const at = place(`chains.${chain.name}.rpc.${index}`, `chains.${chain.name}`)
    if (report.reason)
      add(
        'fault',
        at,
        path,
        `${report.url} cannot be used (${report.reason})`,
        'Check the URL, the key and the network.',
        true,
      )
    else if (report.chainId !== chain.id)
      add(
        'fault',
        place(`chains.${chain.name}.id`),
        path,
        `config says ${chain.id}, endpoint ${report.url} serves ${report.chainId}`,
        'Correct `id`, or name an endpoint of that chain.',
      )
  }

  const clients = new Map<string, { readonly client: PublicClient; readonly head: number }>()
  for (const { chain, url, report } of asked) {
    const serves = url.startsWith('http') && report.reason === '' && report.chainId === chain.id
    if (serves && !clients.has(chain.name))
      clients.set(chain.name, {
        client: createProbeClient(url, timeoutMs),
        head: report.block ?? 0,
      })
  }
  for (const chain of config.chains) {
    const head = clients.get(chain.name)?.head
    if (head !== undefined && chain.startBlock !== undefined && chain.startBlock > head)
      add(
        'fault',
        place(`chains.${chain.name}.startBlock`),
        `chains.${chain.name}.startBlock`,
        `block ${chain.startBlock} is ahead of the chain (now ${head})`,
        'Name a block that exists, or leave it out.',
      )
  }

  const checked: string[] = []
  const order = new Map(config.watch.map((thing, index) => [thing.name, index]))
  const byThing: { readonly thing: WatchedThing; readonly found: ProbeFault[] }[] = []
  const total = config.watch.length
  const look = async (thing: WatchedThing): Promise<void> => {
    const server = clients.get(thing.chain)
    if (server) {
      const found = await probeThing(server.client, thing, server.head)
      const at = (key: string): Place => place(`watch.${thing.name}.${key}`, `watch.${thing.name}`)
      byThing.push({
        thing,
        found: found.map((one) => ({
          ...at(one.key),
          severity: one.severity,
          ...(one.unsure ? { unsure: true } : {}),
          path: `watch[${thing.name}].${one.key}`,
          problem: one.problem,
          mend: one.mend,
        })),
      })
    }
    checked.push(thing.name)
    onProgress?.(checked.length, total)
  }
  await Promise.all(
    config.chains.map((chain) =>
      mapLimit(
        config.watch.filter((thing) => thing.chain === chain.name),
        concurrency,
        look,
      ),
    ),
  )
  byThing.sort((a, b) => (order.get(a.thing.name) ?? 0) - (order.get(b.thing.name) ?? 0))
  faults.push(...byThing.flatMap(({ found }) => found))
  const unseen = config.watch.filter((thing) => !clients.has(thing.chain))
  return {
    endpoints: asked.map(({ report }) => report),
    faults,
    checked: checked.filter((name) => !unseen.some((thing) => thing.name === name)),
  }
}
