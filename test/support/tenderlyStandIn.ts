import { createServer } from 'node:http'
import type { Address, Hex } from '../../core/base/index.ts'

/** `no-future`: only tags, no number beyond the head. `lagging`: answers as if the last two blocks had not come. */
export type TenderlyFault = 'none' | 'error' | 'hang' | 'rubbish' | 'no-future' | 'lagging'

/** What the REST interface of the stand-in wants to see. */
export const ACCOUNT = { account: 'acme', project: 'watch', accessKey: 'a-key-of-the-account' }

/**
 * A stand-in for Tenderly's node: `tenderly_simulateBundle` and `tenderly_simulateTransaction` by the published shapes,
 * translated to anvil; and for the REST interface that Tenderly's SDK calls. It keeps the trap of the real one: the block names the block that the calls are part of, so they
 * see the state at its start, and `latest` does not see the newest block.
 */
export type TenderlyStandIn = {
  readonly url: string
  /** What it was asked, in order. */
  readonly seen: readonly { readonly method: string; readonly block: string }[]
  readonly setFault: (fault: TenderlyFault) => void
  readonly stop: () => Promise<void>
}

type RestAnswer = { readonly status: number; readonly body: unknown }
type RestBundle = {
  readonly network_id: string
  readonly call_args: readonly {
    readonly from: Address
    readonly to: Address | ''
    readonly gas: number
    readonly gas_price: string
    readonly value: string
    readonly data: Hex
  }[]
  readonly block_number_or_hash: { readonly blockNumber: number }
  readonly overrides: Readonly<Record<string, { readonly balance?: string }>> | null
}
type Simulation = {
  readonly status: boolean
  readonly blockNumber: Hex
  readonly trace: readonly { readonly output: Hex }[]
}
type Rpc = { readonly id: number; readonly method: string; readonly params: readonly unknown[] }
type Answer = { readonly result?: unknown; readonly error?: { code: number; message: string } }
type Diff = Record<string, { storage?: Record<string, Hex>; code?: Hex; balance?: Hex }>
type Overrides = Record<string, { stateDiff?: Record<string, Hex>; balance?: Hex; code?: Hex }>

const word = (value: string): Hex => `0x${value.replace(/^0x/, '').padStart(64, '0')}`
const ZERO = word('0')

export const startTenderlyStandIn = async (upstream: string): Promise<TenderlyStandIn> => {
  let fault: TenderlyFault = 'none'
  const seen: { method: string; block: string }[] = []

  const forward = async (method: string, params: readonly unknown[]): Promise<Answer> => {
    const response = await fetch(upstream, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    })
    return (await response.json()) as Answer
  }
  const ask = async <T>(method: string, params: readonly unknown[]): Promise<T> => {
    const { result, error } = await forward(method, params)
    if (error) throw new Error(error.message)
    return result as T
  }
  /** The block that the calls become part of. */
  const placeOf = async (tag: string): Promise<number> => {
    const head = Number(await ask<Hex>('eth_blockNumber', [])) - (fault === 'lagging' ? 2 : 0)
    if (tag === 'latest') return head
    if (tag === 'pending') return head + 1
    const number = Number(tag)
    if (number > head + (fault === 'no-future' ? 0 : 1)) throw new Error('block not found')
    return number
  }
  const changesOf = (pre: Diff, post: Diff): object[] =>
    [...new Set([...Object.keys(pre), ...Object.keys(post)])].flatMap((address) => {
      const before = pre[address]?.storage ?? {}
      const after = post[address]?.storage ?? {}
      const storage = [...new Set([...Object.keys(before), ...Object.keys(after)])].map((slot) => ({
        slot: word(slot),
        previousValue: word(before[slot] ?? ZERO),
        newValue: word(after[slot] ?? ZERO),
      }))
      return storage.length > 0 ? [{ address, storage }] : []
    })
  const layer = (overrides: Overrides, pre: Diff, post: Diff): void => {
    for (const [address, { storage, code }] of Object.entries(post)) {
      const cleared = Object.keys(pre[address]?.storage ?? {}).map((slot) => [word(slot), ZERO])
      const set = Object.entries(storage ?? {}).map(([slot, value]) => [word(slot), word(value)])
      overrides[address] = {
        ...overrides[address],
        ...(code ? { code } : {}),
        stateDiff: {
          ...overrides[address]?.stateDiff,
          ...Object.fromEntries([...cleared, ...set]),
        },
      }
    }
  }
  const simulate = async (calls: readonly { to?: Address }[], tag: string, own: Overrides) => {
    const place = await placeOf(tag)
    const base = `0x${(place - 1).toString(16)}`
    const overrides: Overrides = { ...own }
    const results: object[] = []
    for (const call of calls) {
      const config = { stateOverrides: overrides }
      const [top, diff] = await Promise.all([
        ask<{ error?: string; output?: Hex; from: Address; to: Address; input: Hex }>(
          'debug_traceCall',
          [call, base, { tracer: 'callTracer', ...config }],
        ),
        ask<{ pre: Diff; post: Diff }>('debug_traceCall', [
          call,
          base,
          { tracer: 'prestateTracer', tracerConfig: { diffMode: true }, ...config },
        ]),
      ])
      const isSuccess = top.error === undefined
      if (isSuccess) layer(overrides, diff.pre, diff.post)
      results.push({
        status: isSuccess,
        gasUsed: '0x5208',
        cumulativeGasUsed: '0x5208',
        blockNumber: `0x${place.toString(16)}`,
        type: '0x2',
        logsBloom: `0x${'0'.repeat(512)}`,
        logs: [],
        trace: [
          {
            type: 'CALL',
            from: top.from,
            to: top.to,
            gas: '0x5208',
            gasUsed: '0x5208',
            input: top.input,
            output: top.output ?? '0x',
            ...(isSuccess ? {} : { error: top.error }),
            subtraces: 0,
            traceAddress: [],
          },
        ],
        ...(isSuccess ? { stateChanges: changesOf(diff.pre, diff.post) } : {}),
      })
    }
    return results
  }
  const answerOne = async ({ id, method, params }: Rpc): Promise<object> => {
    const isOwn = method.startsWith('tenderly_')
    if (!isOwn) return { jsonrpc: '2.0', id, ...(await forward(method, params)) }
    const [what, block, overrides] = params
    const tag = String(block ?? 'latest')
    seen.push({ method, block: tag })
    if (fault === 'error')
      return { jsonrpc: '2.0', id, error: { code: -32_004, message: 'quota exceeded' } }
    if (fault === 'rubbish') return { jsonrpc: '2.0', id, result: [{ status: 'yes' }] }
    const isBundle = method === 'tenderly_simulateBundle'
    const calls = (isBundle ? what : [what]) as { to?: Address }[]
    try {
      const results = await simulate(calls, tag, (overrides ?? {}) as Overrides)
      return { jsonrpc: '2.0', id, result: isBundle ? results : results[0] }
    } catch (error) {
      const message = error instanceof Error ? error.message : 'failed'
      return { jsonrpc: '2.0', id, error: { code: -32_000, message } }
    }
  }
  const answerRest = async (path: string, key: unknown, text: string): Promise<RestAnswer> => {
    const bad = (status: number, slug: string): RestAnswer => ({
      status,
      body: { error: { id: 'stand-in', slug, message: slug } },
    })
    const own = `/account/${ACCOUNT.account}/project/${ACCOUNT.project}/simulations/simulate/bundle`
    if (key !== ACCOUNT.accessKey) return bad(401, 'unauthorized')
    if (path !== `/api/v2${own}`) return bad(404, 'resource_not_found')
    if (fault === 'error') return bad(403, 'quota_limit_reached')
    if (fault === 'rubbish') return { status: 200, body: { simulations: [{ status: 'yes' }] } }
    const { network_id, call_args, block_number_or_hash, overrides } = JSON.parse(
      text,
    ) as RestBundle
    if (network_id !== String(Number(await ask<Hex>('eth_chainId', []))))
      return bad(400, 'invalid_request_network')
    const calls = call_args.map(({ gas, gas_price: _, value, to, ...call }) => ({
      ...call,
      ...(to === '' ? {} : { to }),
      gas: `0x${gas.toString(16)}`,
      value: `0x${BigInt(value).toString(16)}`,
    }))
    const purses = Object.entries(overrides ?? {}).map(([who, { balance }]) => [
      who,
      { balance: `0x${BigInt(balance ?? 0).toString(16)}` },
    ])
    const tag = String(block_number_or_hash.blockNumber)
    seen.push({ method: 'rest', block: tag })
    try {
      const played = await simulate(calls, tag, Object.fromEntries(purses) as Overrides)
      const simulations = (played as Simulation[]).map((each) => ({
        status: each.status,
        gas_used: 21_000,
        cumulative_gas_used: 21_000,
        block_number: Number(each.blockNumber),
        type: 2,
        logs: [],
        trace: each.trace.map(({ output }) => ({ type: 'CALL', output })),
      }))
      return { status: 200, body: { simulations } }
    } catch {
      return bad(400, 'invalid_block_number')
    }
  }
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    request.on('end', () => {
      const path = request.url ?? '/'
      if (path.startsWith('/api/')) {
        if (fault === 'hang') return
        void answerRest(path, request.headers['x-access-key'], text).then(({ status, body }) =>
          response
            .writeHead(status, { 'content-type': 'application/json', 'x-stand-in': '1' })
            .end(JSON.stringify(body)),
        )
        return
      }
      const body = JSON.parse(text) as Rpc | Rpc[]
      const list = Array.isArray(body) ? body : [body]
      if (fault === 'hang' && list.some(({ method }) => method.startsWith('tenderly_'))) return
      void Promise.all(list.map(answerOne)).then((answers) =>
        response
          .writeHead(200, { 'content-type': 'application/json', 'x-stand-in': '1' })
          .end(JSON.stringify(Array.isArray(body) ? answers : answers[0])),
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    url: `http://127.0.0.1:${address && typeof address === 'object' ? address.port : 0}`,
    seen,
    setFault: (next) => {
      fault = next
    },
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
