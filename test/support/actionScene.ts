import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type Abi,
  decodeFunctionResult,
  encodeDeployData,
  encodeFunctionData,
  type Hex,
} from 'viem'
import type { Address } from '../../core/base/index.ts'
import { type Anvil, sendFrom, startAnvil } from '../../core/testing/index.ts'
import { compileContracts } from '../../demo/contracts/compile.ts'

/** A deployed contract, by whose functions people of the scene act. */
export type Deployed = {
  readonly address: Address
  readonly data: (functionName: string, args?: readonly unknown[]) => Hex
  /** Sent by the admin; throws when it reverts. */
  readonly write: (functionName: string, ...args: readonly unknown[]) => Promise<void>
  readonly read: (functionName: string, ...args: readonly unknown[]) => Promise<unknown>
}

export type ActionStage = {
  readonly anvil: Anvil
  readonly admin: Address
  readonly signer: Address
  readonly stranger: Address
  /** Deploys a contract of test/support/contracts (or of an artifact given) as the admin. */
  readonly deploy: (contract: string | Artifact, ...args: readonly unknown[]) => Promise<Deployed>
  readonly at: (abi: Abi, address: Address) => Deployed
  readonly stop: () => Promise<void>
}

export type Artifact = { readonly abi: Abi; readonly bytecode: Hex }

/** Beside this file, or, compiled, in the package that dist/ belongs to. */
const findFolder = (): string => {
  for (const path of ['./contracts', '../../../test/support/contracts']) {
    const folder = fileURLToPath(new URL(path, import.meta.url))
    if (existsSync(join(folder, 'Vaults.sol'))) return folder
  }
  throw new Error('the Solidity sources of the tests are missing')
}

/** A local chain (one that runs, or its own) and the contracts on which actions are tried. */
export const createActionStage = async (running?: Anvil): Promise<ActionStage> => {
  const [anvil, artifacts] = await Promise.all([
    running ?? startAnvil(),
    compileContracts(findFolder()),
  ])
  const accounts = await anvil.rpc<Address[]>('eth_accounts')
  const [admin, signer, stranger] = accounts
  if (!admin || !signer || !stranger) throw new Error('no accounts')
  const at: ActionStage['at'] = (abi, address) => {
    const data = (functionName: string, args: readonly unknown[] = []): Hex =>
      encodeFunctionData({ abi, functionName, args })
    return {
      address,
      data,
      write: async (functionName, ...args) => {
        const { success, revertData } = await sendFrom(
          anvil,
          admin,
          address,
          data(functionName, args),
        )
        if (!success) throw new Error(`${functionName} reverts: ${revertData}`)
      },
      read: async (functionName, ...args) => {
        const call = { to: address, data: data(functionName, args) }
        const answer = await anvil.rpc<Hex>('eth_call', [call, 'latest'])
        return decodeFunctionResult({ abi, functionName, data: answer })
      },
    }
  }
  return {
    anvil,
    admin,
    signer,
    stranger,
    at,
    deploy: async (contract, ...args) => {
      const artifact = typeof contract === 'string' ? artifacts[contract] : contract
      if (!artifact) throw new Error(`no contract ${String(contract)}`)
      const { abi, bytecode } = artifact
      const data = encodeDeployData({ abi, bytecode, ...(args.length > 0 ? { args } : {}) })
      const hash = await anvil.rpc<Hex>('eth_sendTransaction', [
        { from: admin, data, gas: '0x989680' },
      ])
      await anvil.rpc('evm_mine')
      const receipt = await anvil.rpc<{ status: Hex; contractAddress: Address }>(
        'eth_getTransactionReceipt',
        [hash],
      )
      if (receipt.status !== '0x1') throw new Error(`${String(contract)} was not deployed`)
      return at(abi, receipt.contractAddress.toLowerCase() as Address)
    },
    stop: () => anvil.stop(),
  }
}
