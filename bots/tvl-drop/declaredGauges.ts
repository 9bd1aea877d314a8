import { type Address, addressTopic, type Hex, type ReadNeed, type ReadResult } from 'tocsin'
import { erc20Abi, erc4626Abi, uniswapV2PairAbi } from '../../abis/index.ts'
import {
  type Gauge,
  type Line,
  plainLine,
  type Reading,
  type TvlContext,
  type TvlThing,
} from './gauge.ts'

const TRANSFER: Hex = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'

/** Transfers to the thing and out of it, so that people learn who took it, net of what they brought. */
const flowLogs = (thing: TvlThing, tokens?: readonly Address[]): Gauge['logs'] => {
  const address = tokens ? { address: tokens } : {}
  const self = addressTopic(thing.address)
  return [
    { ...address, topics: [TRANSFER, self] },
    { ...address, topics: [TRANSFER, null, self] },
  ]
}

/** Transfers out of the thing, so that people learn which transaction took it. */
export const outflowLogs = (thing: TvlThing, tokens?: readonly Address[]): Gauge['logs'] => [
  { ...(tokens ? { address: tokens } : {}), topics: [TRANSFER, addressTopic(thing.address)] },
]

const isqrt = (value: bigint): bigint => {
  if (value < 2n) return value
  let x = 1n << BigInt((value.toString(2).length + 1) >> 1)
  for (;;) {
    const next = (x + value / x) >> 1n
    if (next >= x) return x
    x = next
  }
}

const balanceRead = (key: string, token: Address, holder: Address): ReadNeed => ({
  kind: 'call',
  key,
  address: token,
  abi: erc20Abi,
  functionName: 'balanceOf',
  args: [holder],
})

const collect = (
  parts: readonly {
    readonly what: string
    readonly result: ReadResult<unknown>
    readonly line: (value: never) => Line
  }[],
): Reading => {
  const lines: Line[] = []
  const failed: string[] = []
  for (const { what, result, line } of parts) {
    if (result.ok) lines.push(line(result.value as never))
    else failed.push(what)
  }
  return { lines, failed }
}

/** `totalAssets()` beside the shares, and the asset's balance of the vault where the asset is named. */
export const vaultGauge = (thing: TvlThing & { readonly kind: 'vault' }): Gauge => {
  const { name, address, parameters } = thing
  const asset = thing.asset?.toLowerCase() as Address | undefined
  const call = (key: string, functionName: string): ReadNeed => ({
    kind: 'call',
    key: `${name}:${key}`,
    address,
    abi: erc4626Abi,
    functionName,
  })
  const countsIdle = asset !== undefined && parameters.idle !== 'never'
  return {
    thing,
    isLazy: false,
    logs: flowLogs(thing, asset && [asset]),
    reads: [
      call('assets', 'totalAssets'),
      call('shares', 'totalSupply'),
      ...(countsIdle ? [balanceRead(`${name}:idle`, asset, address)] : []),
    ],
    measure: (ctx: TvlContext) => {
      const supply = ctx.reads<bigint>(`${name}:shares`)
      const shares = supply.ok ? supply.value : undefined
      return collect([
        {
          what: 'totalAssets()',
          result: ctx.reads<bigint>(`${name}:assets`),
          line: (value: bigint) => plainLine({ key: 'assets', value, token: asset, shares }),
        },
        ...(countsIdle
          ? [
              {
                what: 'the balance of the asset',
                result: ctx.reads<bigint>(`${name}:idle`),
                line: (value: bigint) =>
                  plainLine({
                    key: 'idle',
                    value,
                    token: asset,
                    shares,
                    insteadOf: parameters.idle === 'auto' ? 'assets' : undefined,
                  }),
              },
            ]
          : []),
      ])
    },
  }
}

/** Both reserves of a v2 pair as one: the root of their product, which swaps leave as it is and burns lower. */
export const pairGauge = (thing: TvlThing): Gauge => {
  const { name, address } = thing
  const call = (key: string, functionName: string): ReadNeed => ({
    kind: 'call',
    key: `${name}:${key}`,
    address,
    abi: uniswapV2PairAbi,
    functionName,
  })
  return {
    thing,
    isLazy: false,
    logs: outflowLogs(thing),
    reads: [call('reserves', 'getReserves'), call('shares', 'totalSupply')],
    measure: (ctx: TvlContext) => {
      const supply = ctx.reads<bigint>(`${name}:shares`)
      return collect([
        {
          what: 'getReserves()',
          result: ctx.reads<readonly [bigint, bigint, number]>(`${name}:reserves`),
          line: ([reserve0, reserve1]: readonly [bigint, bigint, number]) =>
            plainLine({
              key: 'liquidity',
              value: isqrt(reserve0 * reserve1),
              token: undefined,
              unit: 'liquidity (root of the product of the reserves)',
              shares: supply.ok ? supply.value : undefined,
            }),
        },
      ])
    },
  }
}

/** Balances of tokens, and of native coin, at the address itself: treasuries and bridges. */
export const balancesGauge = (
  thing: TvlThing,
  tokens: readonly Address[],
  countsNative: boolean,
): Gauge => {
  const { name, address } = thing
  return {
    thing,
    isLazy: false,
    logs: tokens.length > 0 ? flowLogs(thing, tokens) : [],
    reads: [
      ...tokens.map((token) => balanceRead(`${name}:${token}`, token, address)),
      ...(countsNative ? [{ kind: 'balance', key: `${name}:native`, address } as const] : []),
    ],
    measure: (ctx: TvlContext) =>
      collect([
        ...tokens.map((token) => ({
          what: `the balance of ${token}`,
          result: ctx.reads<bigint>(`${name}:${token}`),
          line: (value: bigint) => plainLine({ key: token, value, token }),
        })),
        ...(countsNative
          ? [
              {
                what: 'the native balance',
                result: ctx.reads<bigint>(`${name}:native`),
                line: (value: bigint) =>
                  plainLine({ key: 'native', value, token: undefined, unit: 'wei' }),
              },
            ]
          : []),
      ]),
  }
}
