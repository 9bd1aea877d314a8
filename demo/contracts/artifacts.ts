import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Abi } from 'viem'
import { z } from 'zod'
import { type Hex, TocsinError } from '../../core/base/index.ts'
import type { ContractArtifact } from './compile.ts'

const require = createRequire(import.meta.url)
const SAFE = '@safe-global/safe-smart-account/build/artifacts/contracts'

// Contracts of others, as their packages ship them: read where npm put them, never copied.
const FILES = {
  weth: '@uniswap/v2-periphery/build/WETH9.json',
  v2Factory: '@uniswap/v2-core/build/UniswapV2Factory.json',
  v2Pair: '@uniswap/v2-core/build/UniswapV2Pair.json',
  v2Router: '@uniswap/v2-periphery/build/UniswapV2Router02.json',
  v3Factory: '@uniswap/v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json',
  v3Pool: '@uniswap/v3-core/artifacts/contracts/UniswapV3Pool.sol/UniswapV3Pool.json',
  v3Positions:
    '@uniswap/v3-periphery/artifacts/contracts/NonfungiblePositionManager.sol/NonfungiblePositionManager.json',
  v3Router: '@uniswap/v3-periphery/artifacts/contracts/SwapRouter.sol/SwapRouter.json',
  safe: `${SAFE}/SafeL2.sol/SafeL2.json`,
  safeFactory: `${SAFE}/proxies/SafeProxyFactory.sol/SafeProxyFactory.json`,
} as const

export type PackageArtifacts = { readonly [name in keyof typeof FILES]: ContractArtifact }

const artifactSchema = z.object({
  abi: z.array(z.unknown()),
  bytecode: z.string().regex(/^(0x)?[0-9a-fA-F]*$/),
})

const readArtifact = async (path: string): Promise<ContractArtifact> => {
  try {
    const { abi, bytecode } = artifactSchema.parse(
      JSON.parse(await readFile(require.resolve(path), 'utf8')),
    )
    return {
      abi: abi as Abi,
      bytecode: (bytecode.startsWith('0x') ? bytecode : `0x${bytecode}`) as Hex,
    }
  } catch (cause) {
    throw new TocsinError(
      'demo.package_missing',
      `The demo needs ${path} from npm and cannot read it.`,
      {
        cause,
        hints: ['Run `npm ci` with development dependencies.'],
      },
    )
  }
}

/** ABI and creation code of Uniswap v2 and v3 and of the Safe, from their npm packages. @throws TocsinError `demo.package_missing` */
export const readPackageArtifacts = async (): Promise<PackageArtifacts> => {
  const read = async (name: keyof typeof FILES): Promise<ContractArtifact> =>
    readArtifact(FILES[name])
  const [
    weth,
    v2Factory,
    v2Pair,
    v2Router,
    v3Factory,
    v3Pool,
    v3Positions,
    v3Router,
    safe,
    safeFactory,
  ] = await Promise.all([
    read('weth'),
    read('v2Factory'),
    read('v2Pair'),
    read('v2Router'),
    read('v3Factory'),
    read('v3Pool'),
    read('v3Positions'),
    read('v3Router'),
    read('safe'),
    read('safeFactory'),
  ])
  return {
    weth,
    v2Factory,
    v2Pair,
    v2Router,
    v3Factory,
    v3Pool,
    v3Positions,
    v3Router,
    safe,
    safeFactory,
  }
}
