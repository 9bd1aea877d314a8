import { decodeFunctionResult, encodeFunctionData, type Hex, keccak256, toHex } from 'viem'
import { sleep } from '../../core/base/index.ts'
import type { DemoContract } from '../../demo/contracts/index.ts'
import { createRandom } from '../../demo/random.ts'
import type { World } from './startWorld.ts'

/** The blocks of one round, in order. */
export const STEPS = ['traffic', 'role', 'pull', 'restore', 'rob', 'pause', 'open'] as const
export type Step = (typeof STEPS)[number]

export type ScriptHooks = {
  /** Called right after a block was mined; not waited for. */
  readonly afterBlock?: (round: number, step: Step) => void
  /** Pause after a block (ms). */
  readonly gapMs: (round: number, step: Step) => number
  readonly onRound?: (round: number) => void
}

const USD = 10n ** 6n
const ROLE = keccak256(toHex('CHAOS_ROLE'))
const FOREVER = 4_000_000_000n
/** How long Tocsin may take to answer a robbery, restarts included (ms). */
const ANSWER_LIMIT_MS = 120_000

type Contract = Pick<DemoContract, 'address' | 'abi'>

/**
 * Plays the script: what lies in each block depends on the seed alone, so two plays on equal chains give equal blocks.
 * The one guest is the pause itself: the script mines nothing between the robbery and the pause's arrival in the pool.
 */
export const playScript = async (
  { stack, gate }: Pick<World, 'stack' | 'gate'>,
  options: { readonly rounds: number; readonly seed: number } & ScriptHooks,
): Promise<{ readonly robberies: number }> => {
  const { anvil, deployment, store } = stack
  const { usd, weth, vault, pair, v2Router, safe, users, actors } = deployment
  const random = createRandom(options.seed)

  const send = async (
    from: string,
    contract: Contract,
    functionName: string,
    args: readonly unknown[],
  ): Promise<void> => {
    await anvil.rpc('eth_sendTransaction', [
      {
        from,
        to: contract.address,
        data: encodeFunctionData({ abi: contract.abi, functionName, args }),
        gas: '0xf4240',
        maxFeePerGas: '0x2e90edd000',
        maxPriorityFeePerGas: '0x3b9aca00',
      },
    ])
  }
  const read = async (
    contract: Contract,
    functionName: string,
    args: readonly unknown[] = [],
  ): Promise<bigint> => {
    const data = encodeFunctionData({ abi: contract.abi, functionName, args })
    const answer = await anvil.rpc<Hex>('eth_call', [{ to: contract.address, data }, 'latest'])
    return BigInt(String(decodeFunctionResult({ abi: contract.abi, functionName, data: answer })))
  }
  const mine = async (round: number, step: Step): Promise<void> => {
    await gate.alone(() => anvil.rpc('evm_mine'))
    options.afterBlock?.(round, step)
    await sleep(options.gapMs(round, step))
  }
  const until = async (what: string, isThere: () => Promise<boolean>): Promise<void> => {
    const deadline = Date.now() + ANSWER_LIMIT_MS
    while (!(await isThere())) {
      if (Date.now() > deadline) throw new Error(`waited ${ANSWER_LIMIT_MS / 1_000} s for ${what}`)
      await sleep(20)
    }
  }
  const ordinary = async (): Promise<void> => {
    for (let left = random.int(2, 6); left > 0; left--) {
      const from = random.int(0, users.length - 1)
      const to = users[(from + random.int(1, users.length - 1)) % users.length]
      const units = BigInt(random.int(1, 500)) * USD
      await send(users[from]?.address ?? '', usd, 'transfer', [to?.address, units])
    }
  }
  const countSucceeded = async (): Promise<number> => {
    const { rows } = await store.pool
      .query<{ n: number }>(
        "select count(*)::int as n from tocsin.execution where status = 'succeeded'",
      )
      .catch(() => ({ rows: [{ n: -1 }] }))
    return rows[0]?.n ?? -1
  }

  await anvil.rpc('anvil_impersonateAccount', [safe.address])
  await anvil.rpc('anvil_setBalance', [safe.address, '0x56bc75e2d63100000'])
  await send(actors.attacker.address, vault, 'initializeV2', [actors.attacker.address])
  await gate.alone(() => anvil.rpc('evm_mine'))

  const [rich, guest] = [actors.marketMaker.address, users[0]?.address ?? '']
  for (let round = 0; round < options.rounds; round++) {
    const large = BigInt(random.int(260_000, 290_000)) * USD
    await ordinary()
    await send(rich, usd, 'transfer', [guest, large])
    await mine(round, 'traffic')

    await ordinary()
    await send(guest, usd, 'transfer', [rich, large])
    await send(safe.address, vault, 'grantRole', [ROLE, guest])
    await mine(round, 'role')

    const liquidity = ((await read(pair, 'totalSupply')) * BigInt(random.int(60, 90))) / 1_000n
    const whale = actors.whale.address
    await send(whale, v2Router, 'removeLiquidity', [
      usd.address,
      weth.address,
      liquidity,
      0n,
      0n,
      whale,
      FOREVER,
    ])
    await mine(round, 'pull')

    const reserve = await read(usd, 'balanceOf', [pair.address])
    const wethReserve = await read(weth, 'balanceOf', [pair.address])
    const back = (reserve * liquidity) / (await read(pair, 'totalSupply'))
    await send(whale, v2Router, 'addLiquidity', [
      usd.address,
      weth.address,
      back,
      (back * wethReserve) / reserve + 1n,
      0n,
      0n,
      whale,
      FOREVER,
    ])
    await send(safe.address, vault, 'revokeRole', [ROLE, guest])
    await mine(round, 'restore')

    const loot = ((await read(vault, 'totalAssets')) * BigInt(random.int(1_050, 1_190))) / 10_000n
    await ordinary()
    await send(actors.attacker.address, vault, 'migrate', [actors.attacker.address, loot])
    await mine(round, 'rob')

    await until(`the pause of round ${round} in the pool`, async () => {
      const { pending } = await anvil.rpc<{ pending: string }>('txpool_status')
      return Number(pending) > 0
    })
    await mine(round, 'pause')
    await until(
      `the pause of round ${round} to succeed`,
      async () => (await countSucceeded()) >= round + 1,
    )

    await send(safe.address, vault, 'unpause', [])
    await send(actors.attacker.address, usd, 'transfer', [vault.address, loot])
    await mine(round, 'open')
    options.onRound?.(round)
  }
  return { robberies: options.rounds }
}
