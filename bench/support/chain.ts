import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { encodeFunctionData, type Hex, parseAbi } from 'viem'
import { type Anvil, type AnvilOptions, startAnvil } from '../../core/testing/index.ts'

const tokenAbi = parseAbi([
  'function transfer(address to, uint256 value) returns (bool)',
  'function approve(address spender, uint256 value) returns (bool)',
])

export type BenchChain = {
  readonly anvil: Anvil
  readonly token: Hex
  readonly accounts: readonly Hex[]
  /** Queues `count` ordinary transactions; `large` transfers of them move more than the threshold. Mines nothing. */
  readonly queue: (count: number, large: number) => Promise<void>
  readonly mine: () => Promise<void>
}

/** Ordinary transfers stay below it, large ones exceed it. */
export const LARGE_UNITS = 1_000_000n

const batch = async (
  url: string,
  calls: readonly { method: string; params: readonly unknown[] }[],
): Promise<void> => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(calls.map((call, id) => ({ jsonrpc: '2.0', id, ...call }))),
  })
  const answers = (await response.json()) as { error?: { message: string } }[]
  const failed = answers.find((answer) => answer.error)
  if (failed?.error) throw new Error(failed.error.message)
}

/** A chain with one token: blocks are mixed of transfers (70 %), approvals (15 %) and native transfers (15 %). */
export const startBenchChain = async (options: AnvilOptions = {}): Promise<BenchChain> => {
  const anvil = await startAnvil(options)
  const require = createRequire(import.meta.url)
  const artifact = JSON.parse(
    await readFile(require.resolve('@uniswap/v2-core/build/ERC20.json'), 'utf8'),
  ) as { bytecode: string }
  const accounts = await anvil.rpc<Hex[]>('eth_accounts')
  const owner = accounts[0]
  if (owner === undefined) throw new Error('the chain has no accounts')
  const supply = (10n ** 30n).toString(16).padStart(64, '0')
  const hash = await anvil.rpc<Hex>('eth_sendTransaction', [
    { from: owner, data: `0x${artifact.bytecode.replace(/^0x/, '')}${supply}`, gas: '0x500000' },
  ])
  await anvil.rpc('evm_mine')
  const { contractAddress: token } = await anvil.rpc<{ contractAddress: Hex }>(
    'eth_getTransactionReceipt',
    [hash],
  )
  let turn = 0

  const next = (large: boolean): { method: string; params: readonly unknown[] } => {
    turn++
    const to = accounts[1 + (turn % (accounts.length - 1))] ?? owner
    const kind = large ? 0 : turn % 20
    if (kind >= 17)
      return {
        method: 'eth_sendTransaction',
        params: [{ from: owner, to, value: '0x1', gas: '0x5208' }],
      }
    const data =
      kind >= 14
        ? encodeFunctionData({ abi: tokenAbi, functionName: 'approve', args: [to, BigInt(turn)] })
        : encodeFunctionData({
            abi: tokenAbi,
            functionName: 'transfer',
            args: [to, large ? LARGE_UNITS + BigInt(turn) : BigInt(1 + (turn % 1_000))],
          })
    return {
      method: 'eth_sendTransaction',
      params: [{ from: owner, to: token, data, gas: '0x15f90' }],
    }
  }

  return {
    anvil,
    token,
    accounts,
    queue: async (count, large) => {
      await batch(
        anvil.url,
        Array.from({ length: count }, (_, index) => next(index < large)),
      )
    },
    mine: async () => {
      await anvil.rpc('evm_mine')
    },
  }
}
