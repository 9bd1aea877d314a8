import { type Hex, sleep } from '../core/base/index.ts'
import { createSender, type DemoDeployment, type SentReceipt } from './contracts/index.ts'
import { planTraffic } from './planTraffic.ts'
import { readChain } from './readChain.ts'

export type TrafficOptions = {
  readonly deployment: DemoDeployment
  /** How long to go on. */
  readonly seconds: number
  /** Transactions a second. Default: 12. */
  readonly ratePerS?: number
  /** Default: 1. */
  readonly seed?: number
  /** Nonce of the Safe at the start; above 0 for a sequel of earlier traffic. Default: 0. */
  readonly firstSafeNonce?: bigint
  /** Makes a block, on a chain that makes none by itself; called once a second of the plan, without waiting. */
  readonly mine?: () => Promise<unknown>
  /** After each second's worth. */
  readonly onTick?: (tick: { readonly second: number; readonly sent: number }) => void
  /** Ends it early, in order. */
  readonly signal?: AbortSignal
}

export type TrafficResult = {
  readonly sent: number
  readonly succeeded: number
  readonly reverted: number
  readonly firstBlock: number | undefined
  readonly lastBlock: number | undefined
  /** How many of each kind. */
  readonly kinds: Readonly<Record<string, number>>
}

/**
 * Plays ordinary traffic of many users on the demo's chain and waits until all of it is mined.
 * Bounded: `seconds * ratePerS` transactions.
 */
export const playTraffic = async (options: TrafficOptions): Promise<TrafficResult> => {
  const { deployment } = options
  const rate = options.ratePerS ?? 12
  const sender = await createSender({
    rpcUrl: deployment.rpcUrl,
    accounts: [...Object.values(deployment.actors), ...deployment.users],
    ...(options.mine === undefined ? {} : { mine: options.mine }),
  })
  const makerLiquidity = await readChain(deployment.rpcUrl).positionLiquidity(
    deployment,
    deployment.tokenIds.marketMaker,
  )
  const plan = planTraffic(deployment, {
    seed: options.seed ?? 1,
    makerLiquidity,
    firstSafeNonce: options.firstSafeNonce ?? 0n,
  })
  const hashes: Hex[] = []
  const kinds: Record<string, number> = {}
  for (let second = 1; second <= options.seconds && !options.signal?.aborted; second++) {
    const startedMs = Date.now()
    const planned = await plan.next(rate)
    hashes.push(...(await sender.send(planned.map(({ request }) => request))))
    for (const { what } of planned) kinds[what] = (kinds[what] ?? 0) + 1
    options.onTick?.({ second, sent: hashes.length })
    if (options.mine) await options.mine()
    else await sleep(Math.max(0, 1_000 - (Date.now() - startedMs)), options.signal)
  }
  const receipts: readonly SentReceipt[] = hashes.length > 0 ? await sender.wait(hashes) : []
  const blocks = receipts.map((receipt) => receipt.blockNumber)
  const succeeded = receipts.filter((receipt) => receipt.status === 'success').length
  return {
    sent: hashes.length,
    succeeded,
    reverted: receipts.length - succeeded,
    firstBlock: blocks.length > 0 ? Math.min(...blocks) : undefined,
    lastBlock: blocks.length > 0 ? Math.max(...blocks) : undefined,
    kinds,
  }
}
