import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { encodeFunctionData, parseAbi } from 'viem'
import type { Address, Hex } from '../../core/base/index.ts'
import { type Anvil, type AnvilOptions, startAnvil } from '../../core/testing/index.ts'

const abi = parseAbi(['function transfer(address to, uint256 value) returns (bool)'])

export type HeadId = { readonly number: number; readonly hash: Hex }

export type TransferChain = {
  readonly anvil: Anvil
  readonly token: Address
  readonly owner: Address
  /** One block of so many token transfers, each of `units`. */
  readonly mine: (transfers?: number, units?: bigint) => Promise<HeadId>
  readonly head: () => Promise<HeadId>
  /** Forgets the last blocks and mines other ones: `transfers[i]` transfers of `units` in the i-th. */
  readonly reorg: (depth: number, transfers: readonly number[], units?: bigint) => Promise<HeadId>
}

/** A chain with one ERC-20 whose blocks are mined by hand, with exactly the transactions that a test asks for. */
export const startTransferChain = async (options: AnvilOptions = {}): Promise<TransferChain> => {
  const anvil = await startAnvil(options)
  const require = createRequire(import.meta.url)
  const artifact: { bytecode: string } = JSON.parse(
    await readFile(require.resolve('@uniswap/v2-core/build/ERC20.json'), 'utf8'),
  )
  const [owner = '0x', ...others] = await anvil.rpc<Address[]>('eth_accounts')
  const supply = (10n ** 30n).toString(16).padStart(64, '0')
  const hash = await anvil.rpc<Hex>('eth_sendTransaction', [
    { from: owner, data: `0x${artifact.bytecode.replace(/^0x/, '')}${supply}`, gas: '0x500000' },
  ])
  await anvil.rpc('evm_mine')
  const receipt = await anvil.rpc<{ contractAddress: Address }>('eth_getTransactionReceipt', [hash])
  const token = receipt.contractAddress

  const head = async (): Promise<HeadId> => {
    const block = await anvil.rpc<{ number: Hex; hash: Hex }>('eth_getBlockByNumber', [
      'latest',
      false,
    ])
    return { number: Number(block.number), hash: block.hash }
  }
  const mine = async (transfers = 0, units = 1n): Promise<HeadId> => {
    const first = Number(await anvil.rpc('eth_getTransactionCount', [owner, 'latest']))
    for (let index = 0; index < transfers; index++) {
      const to = others[index % others.length] ?? owner
      await anvil.rpc('eth_sendTransaction', [
        {
          from: owner,
          to: token,
          nonce: `0x${(first + index).toString(16)}`,
          gas: '0x15f90',
          data: encodeFunctionData({ abi, functionName: 'transfer', args: [to, units] }),
        },
      ])
    }
    await anvil.rpc('evm_mine')
    return head()
  }
  return {
    anvil,
    token,
    owner,
    mine,
    head,
    reorg: async (depth, transfers, units = 7n) => {
      await anvil.rpc('anvil_rollback', [depth])
      await anvil.rpc('evm_increaseTime', [100])
      for (const count of transfers) await mine(count, units)
      return head()
    },
  }
}
