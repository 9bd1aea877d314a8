import type { Abi, PublicClient } from 'viem'
import {
  aaveV3PoolAbi,
  chainlinkAggregatorAbi,
  curvePoolAbi,
  erc20Abi,
  erc4626Abi,
  governorAbi,
  safeAbi,
  timelockAbi,
  uniswapV2PairAbi,
  uniswapV3PoolAbi,
  uniswapV4PoolManagerAbi,
} from '../../../abis/index.ts'
import type { WatchedThing } from '../types.ts'
import { readView } from './probeClient.ts'

export type KindFault = {
  readonly key: string
  readonly problem: string
  readonly mend: string
  readonly unsure?: true
}

type View = {
  readonly abi: Abi
  readonly name: string
  readonly key?: string
  readonly expected?: string | undefined
}

const text = (value: string | number | undefined): string | undefined =>
  value === undefined ? undefined : String(value).toLowerCase()

type PoolVariant = Extract<WatchedThing, { kind: 'pool' }>['variant']
const POOL_VIEWS: Readonly<Record<PoolVariant, readonly View[]>> = {
  'uniswap-v2': [
    { abi: uniswapV2PairAbi, name: 'token0' },
    { abi: uniswapV2PairAbi, name: 'getReserves', key: 'variant' },
  ],
  'uniswap-v3': [
    { abi: uniswapV3PoolAbi, name: 'token0' },
    { abi: uniswapV3PoolAbi, name: 'slot0', key: 'variant' },
  ],
  'uniswap-v4': [{ abi: uniswapV4PoolManagerAbi, name: 'protocolFeeController', key: 'variant' }],
  curve: [{ abi: curvePoolAbi, name: 'get_virtual_price', key: 'variant' }],
}

/** What a thing of this kind must answer, and what the watchlist says of the answer. */
const viewsOf = (thing: WatchedThing): readonly View[] => {
  switch (thing.kind) {
    case 'token':
      return [
        { abi: erc20Abi, name: 'decimals', key: 'decimals', expected: text(thing.decimals) },
        { abi: erc20Abi, name: 'totalSupply' },
      ]
    case 'vault':
      return [
        { abi: erc4626Abi, name: 'asset', key: 'asset', expected: text(thing.asset) },
        { abi: erc4626Abi, name: 'totalAssets' },
      ]
    case 'pool':
      return POOL_VIEWS[thing.variant]
    case 'lending-market':
      return [{ abi: aaveV3PoolAbi, name: 'ADDRESSES_PROVIDER' }]
    case 'multisig':
      return [{ abi: safeAbi, name: 'getThreshold' }]
    case 'governor':
      return [
        { abi: governorAbi, name: 'votingDelay' },
        { abi: governorAbi, name: 'votingPeriod' },
      ]
    case 'timelock':
      return [{ abi: timelockAbi, name: 'getMinDelay' }]
    case 'oracle':
      return [
        { abi: chainlinkAggregatorAbi, name: 'latestRoundData' },
        {
          abi: chainlinkAggregatorAbi,
          name: 'decimals',
          key: 'decimals',
          expected: text(thing.decimals),
        },
      ]
    case 'contract':
    case 'proxy':
    case 'bridge':
    case 'treasury':
    case 'label':
      return []
  }
}

/** Whether the contract behaves like the kind that the watchlist says it is. */
export const probeKind = async (
  client: PublicClient,
  thing: WatchedThing,
): Promise<readonly KindFault[]> => {
  const views = viewsOf(thing)
  const answers = await Promise.all(
    views.map(({ abi, name }) => readView(client, thing.address, abi, name)),
  )
  const faults: KindFault[] = []
  for (const [index, answer] of answers.entries()) {
    const view = views[index]
    if (!view) continue
    const key = view.key === 'variant' ? 'variant' : 'kind'
    if (answer.kind === 'unreachable')
      faults.push({
        key,
        unsure: true,
        problem: `${view.name}() could not be asked (${answer.reason})`,
        mend: 'Try again, or name a better endpoint.',
      })
    else if (answer.kind === 'refused')
      faults.push({
        key,
        problem: `it does not answer ${view.name}(), so it is no ${'variant' in thing ? `${thing.variant} ` : ''}${thing.kind}`,
        mend: `Check the address, the ${key === 'variant' ? 'variant' : 'kind'} and the chain.`,
      })
    else if (view.expected !== undefined && String(answer.value).toLowerCase() !== view.expected)
      faults.push({
        key: view.key ?? 'kind',
        problem: `the watchlist says ${view.expected}, ${view.name}() answers ${String(answer.value).slice(0, 80)}`,
        mend: 'Write what the contract answers, or leave it out.',
      })
  }
  return faults
}
