import type { Address, Hex } from '../base/index.ts'
import { TocsinError } from '../base/index.ts'
import type {
  CallTrace,
  ChainBlock,
  ChainHeader,
  ChainSource,
  ChainTransaction,
} from '../chain/types.ts'
import type { CompiledNeeds } from './checkNeeds.ts'
import { compileFilter, type Filter, type Matched, type Scan } from './compileFilter.ts'
import { makeDeclaredReads, type ReadAnswers } from './declaredReads.ts'
import type { TallyRow } from './engineStore.ts'
import type { TallyBlock } from './tallyBlock.ts'

/** Everything that the handlers of a block need, fetched. Depends on the block and the bots' needs only. */
export type PreparedBlock = {
  readonly block: ChainBlock
  readonly header: ChainHeader
  /** By bot; undefined where nothing concerns it. */
  readonly matched: readonly (Matched | undefined)[]
  /** By bot. */
  readonly traced: readonly boolean[]
  readonly reads: ReadAnswers
  /** What the watched addresses emitted; undefined where nobody counts, or the block came without its logs. */
  readonly tally: readonly TallyRow[] | undefined
}

export type Preparer = {
  readonly filter: Filter
  /** Some bot wants the traces of every block. */
  readonly isAlwaysTracing: boolean
  /** Starts the state reads of a block that is only heard of yet, beside the fetch of its receipts. */
  readonly prefetch: (block: { readonly number: number; readonly hash: Hex }) => void
  /** Matches a block and fetches calldata, traces and state side by side. May be called ahead of the blocks' turn. */
  readonly prepare: (block: ChainBlock) => Promise<PreparedBlock>
}

/** A plain transfer of the native coin uses exactly this much; anything above may have run code. */
const PLAIN_GAS = 21_000n
const KEPT = 128
/** So many transactions are traced one by one even in a small block. */
const FEW = 3

const keep = <V>(map: Map<Hex, V>, key: Hex, value: V): V => {
  map.set(key, value)
  if (map.size > KEPT)
    for (const oldest of map.keys()) {
      map.delete(oldest)
      break
    }
  return value
}

const headerOf = (block: ChainBlock): ChainHeader => ({
  chainId: block.chainId,
  number: block.number,
  hash: block.hash,
  parentHash: block.parentHash,
  timestampS: block.timestampS,
  logsBloom: block.logsBloom,
  gasUsed: block.gasUsed,
  gasLimit: block.gasLimit,
  baseFeePerGasWei: block.baseFeePerGasWei,
  miner: block.miner,
})

/** @param options.traces false where the chain's nodes give no traces: then no block is traced. */
export const createPreparer = (options: {
  readonly source: ChainSource
  readonly needs: readonly CompiledNeeds[]
  readonly traces: boolean
  readonly tally?: TallyBlock | undefined
}): Preparer => {
  const { source, needs } = options
  const filter = compileFilter(needs)
  const wishes = needs.map((need) => (options.traces ? need.traces : undefined))
  const watched = [
    ...new Set(wishes.flatMap((wish) => (wish?.mode === 'whenTouched' ? wish.addresses : []))),
  ]
  const isTracing = wishes.some((wish) => wish !== undefined)
  const isAlwaysTracing = wishes.some((wish) => wish?.mode === 'always')

  const reads = new Map<Hex, Promise<ReadAnswers>>()
  const readAt = (hash: Hex): Promise<ReadAnswers> => {
    const known = reads.get(hash)
    if (known) return known
    const made = makeDeclaredReads(source.reader, needs, hash)
    // What failed may be asked for again.
    made.catch(() => reads.delete(hash))
    return keep(reads, hash, made)
  }

  const roots = new Map<Hex, Promise<ReadonlyMap<Address, Hex | undefined>>>()
  const rootsAt = (hash: Hex): Promise<ReadonlyMap<Address, Hex | undefined>> => {
    const known = roots.get(hash)
    if (known) return known
    const made = Promise.all(
      watched.map(async (address) => [address, await source.storageHash?.(address, hash)] as const),
    ).then((all) => new Map(all))
    made.catch(() => roots.delete(hash))
    return keep(roots, hash, made)
  }
  /** Addresses whose storage the block changed; where no proofs are given, all of them. */
  const touchedIn = async (block: ChainHeader): Promise<ReadonlySet<Address>> => {
    if (watched.length === 0 || !source.storageHash) return new Set(watched)
    const [before, after] = await Promise.all([rootsAt(block.parentHash), rootsAt(block.hash)])
    return new Set(
      watched.filter((address) => {
        const [old, now] = [before.get(address), after.get(address)]
        return old === undefined || now === undefined || old !== now
      }),
    )
  }

  /** Asks the node for as little as makes sense: it runs a transaction's predecessors again for each single one. */
  const callsOf = (
    block: ChainBlock,
    candidates: readonly ChainTransaction[],
  ): Promise<readonly CallTrace[]> => {
    const isFew = candidates.length <= FEW || candidates.length * 8 <= block.transactions.length
    const isSome = candidates.length < block.transactions.length
    return source.traces(block, isFew && isSome ? candidates.map(({ hash }) => hash) : undefined)
  }

  const trace = async (
    block: ChainBlock,
    header: ChainHeader,
  ): Promise<{ readonly calls: readonly CallTrace[]; readonly traced: readonly boolean[] }> => {
    if (!isTracing) return { calls: [], traced: needs.map(() => false) }
    const candidates = block.transactions.filter((tx) => tx.gasUsed > PLAIN_GAS)
    if (candidates.length === 0)
      return { calls: [], traced: wishes.map((wish) => wish?.mode === 'always') }
    // Begun at once where nothing has to be found out first: a range hands out what it fetched ahead only now.
    const begun = isAlwaysTracing ? callsOf(block, candidates) : undefined
    begun?.catch(() => undefined)
    const touched = await touchedIn(header)
    const traced = wishes.map(
      (wish) =>
        wish !== undefined &&
        (wish.mode === 'always' || wish.addresses.some((one) => touched.has(one))),
    )
    if (!traced.includes(true)) return { calls: [], traced }
    return { calls: await (begun ?? callsOf(block, candidates)), traced }
  }

  const fillIn = async (
    block: ChainBlock,
    header: ChainHeader,
    scan: Scan,
  ): Promise<readonly ChainTransaction[]> => {
    if (scan.inputs.length === 0) return block.transactions
    const answers = await source.inputs(header, scan.inputs)
    const byHash = new Map(answers.map((answer) => [answer.hash, answer]))
    const missing = scan.inputs.find((hash) => !byHash.has(hash))
    if (missing)
      throw new TocsinError(
        'engine.data_unavailable',
        `The calldata of ${missing} could not be had.`,
      )
    return block.transactions.map((tx) => {
      const answer = byHash.get(tx.hash)
      return answer ? { ...tx, input: answer.input, value: answer.valueWei } : tx
    })
  }

  return {
    filter,
    isAlwaysTracing,
    prefetch: ({ number, hash }) => {
      source.prefetchInputs?.({ number, hash })
      readAt(hash).catch(() => undefined)
      if (watched.length > 0 && source.storageHash) rootsAt(hash).catch(() => undefined)
    },
    prepare: async (block) => {
      const header = headerOf(block)
      const scan = filter.scan(block)
      const fetching = Promise.all([
        fillIn(block, header, scan),
        trace(block, header),
        readAt(block.hash),
      ])
      // While the node answers.
      const tally = options.tally?.(block)
      const [transactions, { calls, traced }, answers] = await fetching
      const matched = filter.match(scan, transactions, calls, (bot) => traced[bot] ?? false)
      return { block, header, matched, traced, reads: answers, tally }
    },
  }
}
