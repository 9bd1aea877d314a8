import type { BlockId, ChainView } from './chainView.ts'
import { parseHeader } from './parseRpc.ts'
import type { RpcPool } from './rpcTypes.ts'

export type Finality = {
  /** Newest block of ours that is final and was not told yet; undefined when there is none. */
  readonly take: (catchingUp: boolean) => BlockId | undefined
  /** Looks at the chain again when that is due; does not wait. */
  readonly refresh: () => void
}

/** While catching up, finality is told once in so many blocks. */
const STRIDE = 32

/** Follows the finalised block by the node's tag or by depth; what it tells only ever grows. */
export const createFinality = (options: {
  readonly pool: RpcPool
  readonly view: ChainView
  readonly rule: 'tag' | { readonly depth: number }
  /** The last block is known to lie on the chain that the nodes serve now. */
  readonly isLinked: () => boolean
  readonly intervalMs: number
  readonly onNews: () => void
  readonly onError: (error: unknown) => void
}): Finality => {
  const { pool, view, rule } = options
  let tagged: BlockId | undefined
  let askedAt = Number.NEGATIVE_INFINITY
  let isAsking = false

  const ask = async (): Promise<void> => {
    const raw = await pool.request('eth_getBlockByNumber', ['finalized', false], { rounds: 1 })
    if (raw === null) return
    const { number, hash } = parseHeader(raw, pool.chainId)
    if (tagged !== undefined && number <= tagged.number) return
    tagged = { number, hash }
    options.onNews()
  }

  const limit = (): BlockId | undefined => {
    const last = view.last()
    if (last === undefined) return undefined
    if (rule !== 'tag') {
      const number = last.number - rule.depth
      const hash = view.hashAt(number)
      return hash === undefined ? undefined : { number, hash }
    }
    if (tagged === undefined) return undefined
    // Further than we are: all of ours is final, as the same nodes gave both.
    if (tagged.number > last.number) return options.isLinked() ? last : undefined
    // On another branch than ours: a reorg is under way, or an endpoint is wrong.
    return view.hashAt(tagged.number) === tagged.hash ? tagged : undefined
  }

  return {
    take: (catchingUp) => {
      const final = limit()
      const told = view.finalized()
      if (final === undefined || (told !== undefined && final.number <= told)) return undefined
      if (catchingUp && told !== undefined && final.number < told + STRIDE) return undefined
      view.trim(final.number)
      return final
    },
    refresh: () => {
      if (rule !== 'tag' || isAsking || performance.now() - askedAt < options.intervalMs) return
      askedAt = performance.now()
      isAsking = true
      ask()
        .catch(options.onError)
        .finally(() => {
          isAsking = false
        })
    },
  }
}
