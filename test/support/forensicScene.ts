import { type Abi, encodeFunctionData, keccak256, toHex } from 'viem'
import { erc20Abi, governorAbi, safeAbi, timelockAbi } from '../../abis/index.ts'
import type { Address, Hex } from '../../core/base/index.ts'
import type { Anvil } from '../../core/testing/index.ts'
import { compileContracts, type DemoDeployment, deployDemo } from '../../demo/contracts/index.ts'

const MAX = 2n ** 256n - 1n

export type ForensicScene = {
  readonly demo: DemoDeployment
  readonly attacker: Address
  readonly victim: Address
  readonly operation: Hex
  readonly newImplementation: Address
  /** Block time of the drain, seconds. */
  readonly drainedAtS: number
  readonly drain: { readonly txHash: Hex; readonly blockNumber: number; readonly blockHash: Hex }
  readonly pauseTx: Hex
}

/** Sends as anybody and mines at once. */
export const createActor = async (anvil: Anvil) => {
  await anvil.rpc('anvil_autoImpersonateAccount', [true])
  const send = async (from: Address, to: Address | undefined, data: Hex) => {
    await anvil.rpc('anvil_setBalance', [from, '0x56bc75e2d63100000'])
    const hash = await anvil.rpc<Hex>('eth_sendTransaction', [{ from, to, data, gas: '0x7a1200' }])
    await anvil.rpc('evm_mine')
    const receipt = await anvil.rpc<{
      status: Hex
      blockNumber: Hex
      blockHash: Hex
      contractAddress: Address | null
      logs: readonly { topics: readonly Hex[] }[]
    }>('eth_getTransactionReceipt', [hash])
    if (receipt.status !== '0x1')
      throw new Error(`a call of the scene reverted: ${data.slice(0, 10)}`)
    return { ...receipt, hash }
  }
  const call = (
    from: Address,
    to: { readonly address: Address; readonly abi: Abi },
    functionName: string,
    args: readonly unknown[],
  ) => send(from, to.address, encodeFunctionData({ abi: to.abi, functionName, args }))
  return { send, call }
}

/** A proposal, a provider that leaves, a stolen allowance, a grabbed role, a drain, a pause, a repair. */
export const playForensicScene = async (anvil: Anvil): Promise<ForensicScene> => {
  const mine = () => anvil.rpc('evm_mine')
  const demo = await deployDemo({ rpcUrl: anvil.url, mine, users: 6 })
  const { send, call } = await createActor(anvil)
  const { attacker, whale, delegate, pauser } = demo.actors
  const victim = (demo.users[0] ?? demo.actors.treasury).address
  const safe = demo.safe.address

  const governor = { address: demo.governor.address, abi: governorAbi }
  const description = 'Shorten the delay'
  const shorten = encodeFunctionData({ abi: timelockAbi, functionName: 'updateDelay', args: [30n] })
  const proposal = [[demo.timelock.address], [0n], [shorten]] as const
  const proposed = await call(delegate.address, governor, 'propose', [...proposal, description])
  const log = proposed.logs[0] as unknown as { readonly data: Hex }
  const proposalId = BigInt(log.data.slice(0, 66))
  await anvil.rpc('anvil_mine', ['0x3', '0x1'])
  await call(delegate.address, governor, 'castVote', [proposalId, 1])
  await anvil.rpc('anvil_mine', ['0x80', '0x1'])
  const hashed = keccak256(toHex(description))
  const queued = await call(delegate.address, governor, 'queue', [...proposal, hashed])
  const scheduled = queued.logs.find(({ topics }) => topics.length === 3)
  await anvil.rpc('evm_increaseTime', [70])
  await call(delegate.address, governor, 'execute', [...proposal, hashed])

  const pair = demo.pair
  const shares = await anvil.rpc<Hex>('eth_call', [
    {
      to: pair.address,
      data: encodeFunctionData({
        abi: erc20Abi,
        functionName: 'balanceOf',
        args: [whale.address],
      }),
    },
    'latest',
  ])
  await call(whale.address, demo.v2Router, 'removeLiquidity', [
    demo.usd.address,
    demo.weth.address,
    BigInt(shares) / 2n,
    0n,
    0n,
    whale.address,
    MAX,
  ])
  await call(victim, demo.usd, 'approve', [attacker.address, 5_000n])
  await call(attacker.address, demo.usd, 'transferFrom', [victim, attacker.address, 2_000n])
  await call(safe, { address: safe, abi: safeAbi }, 'addOwnerWithThreshold', [attacker.address, 1n])
  await call(attacker.address, demo.vault, 'initializeV2', [attacker.address])
  const drain = await call(attacker.address, demo.vault, 'migrate', [attacker.address, 1_000_000n])
  const paused = await call(pauser.address, demo.vault, 'pause', [])
  const artifact = (await compileContracts())['DemoVault']
  if (!artifact) throw new Error('DemoVault was not compiled')
  const repaired = await send(demo.actors.deployer.address, undefined, artifact.bytecode)
  const newImplementation = (repaired.contractAddress ?? '0x').toLowerCase() as Address
  await call(safe, demo.vault, 'upgradeToAndCall', [newImplementation, '0x'])
  const block = await anvil.rpc<{ timestamp: Hex }>('eth_getBlockByNumber', [
    drain.blockNumber,
    false,
  ])
  return {
    demo,
    attacker: attacker.address,
    victim,
    operation: scheduled?.topics[1] ?? '0x',
    newImplementation,
    drainedAtS: Number(block.timestamp),
    drain: {
      txHash: drain.hash,
      blockNumber: Number(drain.blockNumber),
      blockHash: drain.blockHash,
    },
    pauseTx: paused.hash,
  }
}
