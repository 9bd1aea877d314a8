import type { Address, Hex } from '../core/base/index.ts'
import {
  type AttackMove,
  deployDrainer,
  drain,
  grabAdmin,
  pullLiquidity,
  readDrainer,
} from './attackMoves.ts'
import {
  callOf,
  createSender,
  type DemoDeployment,
  type Sender,
  type SendRequest,
  type SentReceipt,
} from './contracts/index.ts'
import { readChain } from './readChain.ts'

export type AttackStep = {
  readonly what: string
  readonly status: 'success' | 'reverted'
  readonly block: number
  readonly hash: Hex
  /** Millionths of a dollar taken out of the vault by this step. */
  readonly takenUnits: bigint
}

export type AttackResult = {
  readonly steps: readonly AttackStep[]
  readonly vaultBeforeUnits: bigint
  /** What the vault holds at the end. */
  readonly vaultLeftUnits: bigint
  /** Taken out of the vault, exactly. */
  readonly stolenUnits: bigint
  /** Pulled out of both pools with the whale's stolen key. */
  readonly pulled: { readonly usdUnits: bigint; readonly wei: bigint }
  /** Drains that succeeded, and drains that reverted. */
  readonly drains: number
  readonly stopped: number
  readonly isPaused: boolean
}

export type AttackOptions = {
  readonly deployment: DemoDeployment
  /** Attempts to drain, one a block. Default: 8. */
  readonly drains?: number
  /** Makes a block, on a chain that makes none by itself. */
  readonly mine?: () => Promise<unknown>
  readonly onStep?: (step: AttackStep) => void
  /** Called before each step; a test pauses the vault in it. */
  readonly beforeDrain?: (drain: number) => Promise<void>
  readonly signal?: AbortSignal
}

/** Sends a step's transactions, waits for them, and keeps account. */
const createLedger = (sender: Sender, onStep: AttackOptions['onStep']) => {
  const steps: AttackStep[] = []
  const perform = async (moves: readonly AttackMove[]): Promise<readonly SentReceipt[]> => {
    const receipts = await sender.wait(await sender.send(moves.map(({ request }) => request)))
    for (const [i, { status, blockNumber, hash }] of receipts.entries()) {
      const move = moves[i]
      const takenUnits = status === 'success' ? (move?.takenUnits ?? 0n) : 0n
      const step = { what: move?.what ?? '', status, block: blockNumber, hash, takenUnits }
      steps.push(step)
      onStep?.(step)
    }
    return receipts
  }
  return { steps, perform }
}

/**
 * The attack: a contract takes the vault's forgotten manager role and names itself the fee recipient, then moves the
 * assets out part by part, one part a block. Beside the drain, a stolen key pulls a large share of both pools, and the
 * deployer's leaked key hands the vote token's admin role over. It goes on trying after the vault is paused.
 */
export const runAttack = async (options: AttackOptions): Promise<AttackResult> => {
  const { deployment } = options
  const { vault, usd, weth, actors } = deployment
  const thief = actors.attacker.address
  const sender = await createSender({
    rpcUrl: deployment.rpcUrl,
    accounts: Object.values(actors),
    ...(options.mine === undefined ? {} : { mine: options.mine }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  const chain = readChain(deployment.rpcUrl)
  const artifact = await readDrainer()
  const { steps, perform } = createLedger(sender, options.onStep)
  const holdings = () =>
    Promise.all([
      chain.vaultAssets(deployment),
      chain.balanceOf(usd, thief),
      chain.balanceOf(weth, thief),
    ])
  const [vaultBeforeUnits, usdBefore, wethBefore] = await holdings()

  const [created] = await perform([deployDrainer(deployment, artifact)])
  const drainer = { address: created?.contractAddress ?? thief, abi: artifact.abi }
  await perform([
    {
      what: "takes the vault's manager role and its fees",
      request: callOf(thief, drainer, 'takeOver', []),
    },
  ])
  const besides = [() => pullLiquidity(deployment, chain), async () => [grabAdmin(deployment)]]
  for (let number = 0; number < (options.drains ?? 8) && !options.signal?.aborted; number++) {
    await options.beforeDrain?.(number)
    const assets = await chain.vaultAssets(deployment)
    const beside = (await besides[number]?.()) ?? []
    await perform([drain(deployment, drainer, { number, assets }), ...beside])
  }
  await perform([
    {
      what: 'tries to unpause the vault',
      request: callOf(thief, vault, 'unpause', [], { gas: 100_000n }),
    },
  ])

  const stolenUnits = steps.reduce((sum, step) => sum + step.takenUnits, 0n)
  const [vaultLeftUnits, usdAfter, wethAfter] = await holdings()
  const drains = steps.filter((step) => step.what.startsWith('drains'))
  return {
    steps,
    vaultBeforeUnits,
    vaultLeftUnits,
    stolenUnits,
    pulled: { usdUnits: usdAfter - usdBefore - stolenUnits, wei: wethAfter - wethBefore },
    drains: drains.filter((step) => step.status === 'success').length,
    stopped: drains.filter((step) => step.status === 'reverted').length,
    isPaused: await chain.isPaused(deployment),
  }
}

/** The vault can be paused by its pauser alone; tests use it in the signer's stead. */
export const pauseRequest = (deployment: DemoDeployment, from: Address): SendRequest =>
  callOf(from, deployment.vault, 'pause', [], { gas: 100_000n })
