import type { Client } from '@grpc/grpc-js'
import type { RpcPool } from '../../core/chain/index.ts'
import { createRawBlocks } from '../../core/forta/host/createRawBlocks.ts'
import {
  type AgentMethod,
  agentService,
  createAgentClient,
  encodeEvents,
} from '../../core/forta/lightGrpc.ts'

type Raw = Readonly<Record<string, unknown>>

/** Asks a bot as a scan node of the Forta network does: blocks and transactions in two streams that do not wait for one another. */
export type ScanNode = {
  readonly ask: (method: AgentMethod, request: Raw) => Promise<Raw>
  /** Findings of a range, in the order of its blocks; those of the block before those of its transactions. Throws on an answer that failed. */
  readonly scan: (
    from: number,
    to: number,
    order?: 'blocks first' | 'transactions first',
  ) => Promise<readonly Raw[]>
  readonly close: () => void
}

const list = (value: unknown): readonly Raw[] => (Array.isArray(value) ? value : [])

const call = (client: Client, method: AgentMethod, request: Raw): Promise<Raw> => {
  const definition = agentService()[method]
  if (!definition) throw new Error(`There is no call ${method}.`)
  return new Promise((resolve, reject) =>
    client.makeUnaryRequest<unknown, unknown>(
      definition.path,
      definition.requestSerialize,
      definition.responseDeserialize,
      request,
      { deadline: Date.now() + 60_000 },
      (error, answer) => (error ? reject(error) : resolve(answer as Raw)),
    ),
  )
}

export const createScanNode = (address: string, pool: RpcPool, withTraces = true): ScanNode => {
  const client = createAgentClient(address, { 'grpc.use_local_subchannel_pool': 1 })
  const blocks = createRawBlocks(pool, { traces: withTraces ? 'debug' : 'none' })
  const evaluate = async (method: AgentMethod, event: Raw): Promise<readonly Raw[]> => {
    const answer = await call(client, method, { requestId: '1', event, shardId: 0 })
    if (answer['status'] !== 2) throw new Error(`${method}: ${JSON.stringify(answer['errors'])}`)
    return list(answer['findings'])
  }
  return {
    ask: (method, request) => call(client, method, request),
    scan: async (from, to, order = 'blocks first') => {
      const numbers = Array.from({ length: to - from + 1 }, (_, index) => from + index)
      const raw = await blocks.byNumbers(numbers)
      const events = raw.map(({ payload, hashes }) => ({
        made: encodeEvents(payload, pool.chainId, withTraces),
        hashes,
      }))
      const ofBlocks = async (): Promise<readonly (readonly Raw[])[]> => {
        const found: (readonly Raw[])[] = []
        for (const { made } of events) found.push(await evaluate('EvaluateBlock', made.block()))
        return found
      }
      const ofTransactions = async (): Promise<readonly (readonly Raw[])[]> => {
        const found: (readonly Raw[])[] = []
        for (const { made, hashes } of events) {
          const own: Raw[] = []
          for (const index of hashes.keys())
            own.push(...(await evaluate('EvaluateTx', made.transaction(index))))
          found.push(own)
        }
        return found
      }
      // Both at once; who comes first is as it comes on the network.
      const [first, second] =
        order === 'blocks first'
          ? await Promise.all([ofBlocks(), ofTransactions()])
          : await Promise.all([ofTransactions(), ofBlocks()]).then(([txs, own]) => [own, txs])
      return raw.flatMap((_, index) => [...(first?.[index] ?? []), ...(second?.[index] ?? [])])
    },
    close: () => client.close(),
  }
}
