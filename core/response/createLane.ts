import { createLoop, type HeapTidy, type Loop, messageOf, TocsinError } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import type { RpcMetrics } from '../telemetry/index.ts'
import { createLocalSender } from './localSender.ts'
import { createLaneMemory, runLane } from './runLane.ts'
import type { Sender } from './sender.ts'
import { createRemoteSender } from './senders/createRemoteSender.ts'
import { createLaneSenders } from './senders/laneSenders.ts'
import type { SignerContext, SignerLane } from './signerContext.ts'
import type { DigestSigner } from './signerKey.ts'
import { createSignerRpc, type SignerRpc, type SignerRpcHooks } from './signerRpc.ts'
import { createTenderlyNode } from './simulation/tenderly.ts'
import { createTenderlyAccount } from './simulation/tenderlyAccount.ts'

const IDLE_MS = 1_000
const WARM_MS = 3_000
const NO_TRANSACTION = `0x${'0'.repeat(64)}`
/** How long after a turn the heap is tidied (ms): what was sent is followed until then. */
const TIDY_AFTER_MS = 150

export type TimedLane = SignerLane & { readonly tickMs: number }

/** One lane per chain of `signer.rpc`. @throws TocsinError `signer.chain_unknown`, `signer.endpoint`, `relay.url` */
export const createLanes = (
  config: Config,
  createSender: ((rpc: SignerRpc) => Sender) | undefined,
  metrics: RpcMetrics,
  key: DigestSigner,
): readonly TimedLane[] =>
  Object.entries(config.signer?.rpc ?? {}).map(([chainName, urls]) => {
    const chain = config.chains.find(({ name }) => name === chainName)
    if (!chain)
      throw new TocsinError(
        'signer.chain_unknown',
        `\`signer.rpc\` names the chain "${chainName}", which the watchlist does not have.`,
        { exitCode: 2 },
      )
    const hooks: SignerRpcHooks = {
      onRequest: (endpoint, durationMs) =>
        metrics.onRequest({ chainName, endpoint, calls: 1, durationMs }),
      onError: (endpoint, error) => metrics.onError(chainName, endpoint, error),
    }
    const rpc = createSignerRpc({ chainId: chain.id, urls, hooks })
    const gateways = config.signer?.tenderlyRpc?.[chainName] ?? []
    const account = config.signer?.tenderly
    const tenderly = [
      ...(gateways.length > 0
        ? [
            createTenderlyNode(
              createSignerRpc({ chainId: chain.id, urls: gateways, prefix: 'tenderly', hooks }),
            ),
          ]
        : []),
      ...(account ? [createTenderlyAccount({ ...account, chainId: chain.id })] : []),
    ]
    const closed = config.signer?.privateRpc?.[chainName] ?? []
    const privateRpc =
      closed.length > 0
        ? createSignerRpc({ chainId: chain.id, urls: closed, prefix: 'private', hooks })
        : undefined
    const sender = createSender?.(rpc) ?? createLocalSender(rpc, { privateRpc })
    const senders = createLaneSenders(
      (config.signer?.senders ?? [])
        .filter((each) => each.chain === chainName)
        .map((each) => createRemoteSender(each, { rpc, key })),
    )
    const tickMs = Math.max(20, Math.min(250, chain.blockTimeMs / 4))
    return {
      chainId: chain.id,
      chainName,
      rpc,
      sender,
      paid: new Map(),
      senders,
      hasPrivateRpc: privateRpc !== undefined,
      tenderly,
      finality: chain.finality,
      tickMs,
    }
  })

/** Runs a lane: at once when woken, at every tick while something is in flight, each second otherwise. */
export const startLane = (
  context: SignerContext,
  lane: TimedLane,
  {
    refreshPolicies,
    heap,
  }: {
    readonly refreshPolicies: () => Promise<void>
    /** Of the whole process. */
    readonly heap: HeapTidy
  },
): Loop => {
  const memory = createLaneMemory()
  let isBusy = true
  let isWoken = true
  let lastRun = 0
  let lastWarm = 0
  const turn = async (): Promise<void> => {
    const now = Date.now()
    if (now - lastWarm > WARM_MS) {
      lastWarm = now
      // Keeps connections open, one for what is asked together and one for what travels alone, and the health of every
      // endpoint known; the answers themselves are not needed.
      void Promise.allSettled([
        ...lane.rpc.askEach('eth_blockNumber', []),
        ...lane.rpc.askEach('eth_getTransactionByHash', [NO_TRANSACTION]),
      ])
    }
    if (!isBusy && !isWoken && now - lastRun < IDLE_MS) return
    isWoken = false
    lastRun = now
    heap.begin(lane.chainName)
    try {
      isBusy = await runLane(context, lane, memory, {
        ready: refreshPolicies(),
        isWanted: () => isWoken,
      })
    } finally {
      heap.rest(lane.chainName, TIDY_AFTER_MS)
    }
  }
  const loop = createLoop(turn, {
    pauseMs: lane.tickMs,
    onError: (error) =>
      context.log.error(
        { error: messageOf(error), chain: lane.chainName },
        "A turn of the signer's lane failed.",
      ),
  })
  return {
    stop: async () => {
      await loop.stop()
      await lane.senders?.stop()
    },
    wake: () => {
      isWoken = true
      loop.wake()
    },
  }
}
