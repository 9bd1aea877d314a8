import { encodeDeployData, encodeFunctionData } from 'viem'
import { type Address, type Hex, TocsinError } from '../core/base/index.ts'
import {
  callOf,
  compileContracts,
  createSender,
  type DemoDeployment,
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

// Parts of what is left, in hundredths of a percent; the vault allows 1,200 a block.
const PARTS_BPS = [900n, 1_150n, 1_000n, 1_100n]
const ROLE_ADMIN: Hex = `0x${'00'.repeat(32)}`
const FOREVER = 4_000_000_000n
const MAX_UINT128 = 2n ** 128n - 1n

/**
 * The attack: a contract takes the vault's forgotten manager role and names itself the fee recipient, then moves the
 * assets out part by part, one part a block. Beside the drain, a stolen key pulls a large share of both pools, and the
 * deployer's leaked key hands the vote token's admin role over. It goes on trying after the vault is paused.
 */
export const runAttack = async (options: AttackOptions): Promise<AttackResult> => {
  const { deployment } = options
  const { vault, vote, pair, v2Router, positions, usd, weth, actors } = deployment
  const thief = actors.attacker.address
  const whale = actors.whale.address
  const sender = await createSender({
    rpcUrl: deployment.rpcUrl,
    accounts: Object.values(actors),
    ...(options.mine === undefined ? {} : { mine: options.mine }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  const chain = readChain(deployment.rpcUrl)
  const drainer = (await compileContracts())['DemoDrainer']
  if (drainer === undefined)
    throw new TocsinError(
      'demo.compile_failed',
      "The attacker's contract is missing from the compiler's answer.",
    )
  const steps: AttackStep[] = []
  const note = (what: string, receipt: SentReceipt | undefined, takenUnits = 0n): SentReceipt => {
    if (receipt === undefined)
      throw new TocsinError('demo.not_mined', `The attack's step "${what}" has no receipt.`)
    const step: AttackStep = {
      what,
      status: receipt.status,
      block: receipt.blockNumber,
      hash: receipt.hash,
      takenUnits,
    }
    steps.push(step)
    options.onStep?.(step)
    return receipt
  }
  const perform = async (
    actions: readonly {
      readonly what: string
      readonly request: SendRequest
      readonly takenUnits?: bigint
    }[],
  ): Promise<readonly SentReceipt[]> => {
    const receipts = await sender.wait(await sender.send(actions.map(({ request }) => request)))
    return receipts.map((receipt, i) => {
      const action = actions[i]
      return note(
        action?.what ?? '',
        receipt,
        receipt.status === 'success' ? (action?.takenUnits ?? 0n) : 0n,
      )
    })
  }
  const [vaultBeforeUnits, thiefUsdBefore, thiefWethBefore] = await Promise.all([
    chain.vaultAssets(deployment),
    chain.balanceOf(usd, thief),
    chain.balanceOf(weth, thief),
  ])

  const [created] = await perform([
    {
      what: 'deploys a contract',
      request: {
        from: thief,
        gas: 2_000_000n,
        data: encodeDeployData({
          abi: drainer.abi,
          bytecode: drainer.bytecode,
          args: [vault.address],
        }),
      },
    },
  ])
  const contract = { address: created?.contractAddress ?? thief, abi: drainer.abi }
  await perform([
    {
      what: "takes the vault's manager role and its fees",
      request: callOf(thief, contract, 'takeOver', []),
    },
  ])

  const drain = async (number: number): Promise<void> => {
    await options.beforeDrain?.(number)
    const assets = await chain.vaultAssets(deployment)
    const units = (assets * (PARTS_BPS[number % PARTS_BPS.length] ?? 1_000n)) / 10_000n
    const actions = [
      {
        what: `drains the vault (${number + 1})`,
        request: callOf(thief, contract, 'drain', [units]),
        takenUnits: units,
      },
    ]
    const beside = number === 0 ? await pullLiquidity() : number === 1 ? [grabAdmin()] : []
    await perform([...actions, ...beside])
  }
  const pullLiquidity = async (): Promise<
    { readonly what: string; readonly request: SendRequest }[]
  > => {
    const [lp, liquidity] = await Promise.all([
      chain.balanceOf(pair, whale),
      chain.positionLiquidity(deployment, deployment.tokenIds.whale),
    ])
    const tokenId = deployment.tokenIds.whale
    // In one transaction, as a thief in a hurry would: out of the position and away.
    const calls = [
      encodeFunctionData({
        abi: positions.abi,
        functionName: 'decreaseLiquidity',
        args: [{ tokenId, liquidity, amount0Min: 0n, amount1Min: 0n, deadline: FOREVER }],
      }),
      encodeFunctionData({
        abi: positions.abi,
        functionName: 'collect',
        args: [{ tokenId, recipient: thief, amount0Max: MAX_UINT128, amount1Max: MAX_UINT128 }],
      }),
    ]
    return [
      {
        what: 'pulls liquidity out of the v2 pair',
        request: callOf(whale, v2Router, 'removeLiquidity', [
          usd.address,
          weth.address,
          lp,
          0n,
          0n,
          thief,
          FOREVER,
        ]),
      },
      {
        what: 'pulls liquidity out of the v3 pool',
        request: callOf(whale, positions, 'multicall', [calls]),
      },
    ]
  }
  const grabAdmin = (): { readonly what: string; readonly request: SendRequest } => ({
    what: "takes the vote token's admin role with the deployer's leaked key",
    request: callOf(actors.deployer.address, vote, 'grantRole', [ROLE_ADMIN, thief]),
  })

  for (let number = 0; number < (options.drains ?? 8) && !options.signal?.aborted; number++)
    await drain(number)
  await perform([
    {
      what: 'tries to unpause the vault',
      request: callOf(thief, vault, 'unpause', [], { gas: 100_000n }),
    },
  ])

  const stolenUnits = steps.reduce((sum, step) => sum + step.takenUnits, 0n)
  const [vaultLeftUnits, isPaused, usdAfter, wethAfter] = await Promise.all([
    chain.vaultAssets(deployment),
    chain.isPaused(deployment),
    chain.balanceOf(usd, thief),
    chain.balanceOf(weth, thief),
  ])
  const drains = steps.filter((step) => step.what.startsWith('drains'))
  return {
    steps,
    vaultBeforeUnits,
    vaultLeftUnits,
    stolenUnits,
    pulled: { usdUnits: usdAfter - thiefUsdBefore - stolenUnits, wei: wethAfter - thiefWethBefore },
    drains: drains.filter((step) => step.status === 'success').length,
    stopped: drains.filter((step) => step.status === 'reverted').length,
    isPaused,
  }
}

/** The vault can be paused by its pauser alone; tests use it in the signer's stead. */
export const pauseRequest = (deployment: DemoDeployment, from: Address): SendRequest =>
  callOf(from, deployment.vault, 'pause', [], { gas: 100_000n })
