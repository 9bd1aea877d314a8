import { type Abi, decodeFunctionResult, encodeDeployData, encodeFunctionData } from 'viem'
import type { Address, Hex } from '../../../core/base/index.ts'
import type { Anvil } from '../../../core/testing/index.ts'
import type { BlockOptions, Contract, Fork, Receipt, Request, Scene } from './types.ts'

const hex = (value: bigint | number): Hex => `0x${value.toString(16)}`
const RICH = hex(10n ** 24n)
const BLOCK_S = 12

/** A transaction that calls a contract. */
export const call = (
  from: Address,
  contract: Contract,
  functionName: string,
  args: readonly unknown[] = [],
  options: { readonly valueWei?: bigint; readonly gas?: bigint } = {},
): Request => ({
  from,
  to: contract.address,
  data: encodeFunctionData({ abi: contract.abi, functionName, args }),
  ...options,
})

/** A transaction that creates a contract. */
export const creation = (
  from: Address,
  artifact: { readonly abi: Abi; readonly bytecode: Hex },
  args: readonly unknown[] = [],
): Request => ({
  from,
  data: encodeDeployData({
    abi: artifact.abi,
    bytecode: artifact.bytecode,
    ...(args.length > 0 ? { args } : {}),
  }),
  gas: 12_000_000n,
})

/** An address of which nobody has heard: `actor(1)`, `actor(2)`, … */
export const actor = (n: number): Address =>
  `0x${(0xac7000000000n + BigInt(n)).toString(16).padStart(40, '0')}`

type RawReceipt = {
  readonly transactionHash: Hex
  readonly status: Hex
  readonly blockNumber: Hex
  readonly contractAddress: string | null
  readonly logs: readonly { address: string; topics: readonly Hex[]; data: Hex }[]
}

export type SceneOptions = {
  readonly follow: Scene['follow']
  readonly goBack: (to: { readonly number: number; readonly hash: Hex }) => Promise<void>
}

/** The stage on a node that was started with `--auto-impersonate`. */
export const createScene = (
  anvil: Anvil,
  options: SceneOptions = { follow: async () => undefined, goBack: async () => undefined },
): Scene & { readonly marks: ReadonlyMap<string, { number: number; timestampS: number }> } => {
  const { rpc } = anvil
  const funded = new Set<Address>()
  const marks = new Map<string, { number: number; timestampS: number }>()

  const batch = async (calls: readonly (readonly [string, readonly unknown[]])[]) => {
    if (calls.length === 0) return []
    const response = await fetch(anvil.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(
        calls.map(([method, params], id) => ({ jsonrpc: '2.0', id, method, params })),
      ),
    })
    const answers = (await response.json()) as {
      id: number
      result?: unknown
      error?: { message: string }
    }[]
    return answers
      .toSorted((a, b) => a.id - b.id)
      .map(({ id, result, error }) => {
        if (error) throw new Error(`${calls[id]?.[0]}: ${error.message}`)
        return result
      })
  }
  const head: Scene['head'] = async () => {
    const { number, hash, timestamp } = await rpc<Record<'number' | 'hash' | 'timestamp', Hex>>(
      'eth_getBlockByNumber',
      ['latest', false],
    )
    return { number: Number(number), hash, timestampS: Number(timestamp) }
  }
  const mine = async (afterS: number): Promise<void> => {
    const { timestampS } = await head()
    await batch([
      ['evm_setNextBlockTimestamp', [hex(timestampS + afterS)]],
      ['evm_mine', []],
    ])
  }
  const fund = async (requests: readonly Request[]): Promise<void> => {
    const poor = [...new Set(requests.map(({ from }) => from))].filter((who) => !funded.has(who))
    const balances = await batch(poor.map((who) => ['eth_getBalance', [who, 'latest']]))
    const empty = poor.filter((_, index) => BigInt(String(balances[index])) < 10n ** 20n)
    await batch(empty.map((who) => ['anvil_setBalance', [who, RICH]]))
    for (const who of poor) funded.add(who)
  }
  const block = async (
    requests: readonly Request[],
    { afterS = BLOCK_S, status = 'success' }: BlockOptions = {},
  ): Promise<readonly Receipt[]> => {
    await fund(requests)
    const hashes = await batch(
      requests.map(({ from, to, data, valueWei = 0n, gas = 3_000_000n }) => [
        'eth_sendTransaction',
        [{ from, to, data, value: hex(valueWei), gas: hex(gas) }],
      ]),
    )
    await mine(afterS)
    const { number } = await head()
    const receipts = await batch(hashes.map((hash) => ['eth_getTransactionReceipt', [hash]]))
    return receipts.map((answer, index) => {
      const raw = answer as RawReceipt | null
      const request = requests[index]
      const where = `transaction ${index + 1} of block ${number} (${request?.from} to ${request?.to}, ${request?.data?.slice(0, 10)})`
      if (raw === null || Number(raw.blockNumber) !== number)
        throw new Error(`The ${where} was not mined.`)
      const outcome = raw.status === '0x1' ? 'success' : 'reverted'
      if (status !== 'any' && outcome !== status)
        throw new Error(`The ${where} ended as ${outcome}.`)
      return {
        hash: raw.transactionHash,
        status: outcome,
        contractAddress: raw.contractAddress?.toLowerCase() as Address | undefined,
        logs: raw.logs.map((log) => ({ ...log, address: log.address.toLowerCase() as Address })),
      }
    })
  }
  return {
    anvil,
    rpc,
    block,
    head,
    marks,
    calm: async (blocks = 1, intervalS = BLOCK_S) => {
      for (let done = 0; done < blocks; done++) await mine(intervalS)
    },
    mark: async (name = 'attack') => {
      const { number, timestampS } = await head()
      if (marks.has(name)) throw new Error(`The mark "${name}" stands already.`)
      marks.set(name, { number, timestampS })
    },
    read: async <T>(contract: Contract, functionName: string, args: readonly unknown[] = []) => {
      const data = encodeFunctionData({ abi: contract.abi, functionName, args })
      const answer = await rpc<Hex>('eth_call', [{ to: contract.address, data }, 'latest'])
      return decodeFunctionResult({ abi: contract.abi, functionName, data: answer }) as T
    },
    follow: options.follow,
    fork: async (): Promise<Fork> => ({ snapshot: await rpc('evm_snapshot'), ...(await head()) }),
    goBack: async (fork) => {
      await rpc('evm_revert', [fork.snapshot])
      await options.goBack({ number: fork.number, hash: fork.hash })
    },
  }
}
