import { type BotThing, cleanText, type Hex } from 'tocsin'
import { toFunctionSelector } from 'viem/utils'
import type { AttackerPreparationParameters } from './parameters.ts'

export type PrepThing = BotThing<AttackerPreparationParameters>

/** Functions that lenders call back, by their usual names. */
const CALLBACKS: ReadonlyMap<number, string> = new Map(
  [
    'executeOperation(address[],uint256[],uint256[],address,bytes)',
    'executeOperation(address,uint256,uint256,address,bytes)',
    'onFlashLoan(address,address,uint256,uint256,bytes)',
    'receiveFlashLoan(address[],uint256[],uint256[],bytes)',
    'uniswapV2Call(address,uint256,uint256,bytes)',
    'pancakeCall(address,uint256,uint256,bytes)',
    'uniswapV3FlashCallback(uint256,uint256,bytes)',
    'pancakeV3FlashCallback(uint256,uint256,bytes)',
    'onMorphoFlashLoan(uint256,bytes)',
    'callFunction(address,(address,uint256),bytes)',
    'DPPFlashLoanCall(address,uint256,uint256,bytes)',
    'DVMFlashLoanCall(address,uint256,uint256,bytes)',
    'DSPFlashLoanCall(address,uint256,uint256,bytes)',
  ].map((signature) => [
    Number(toFunctionSelector(`function ${signature}`)),
    signature.slice(0, signature.indexOf('(')),
  ]),
)

/** Functions of every token and vault: they tell no thing from another. */
const COMMON = new Set(
  [
    'transfer(address,uint256)',
    'transferFrom(address,address,uint256)',
    'approve(address,uint256)',
    'balanceOf(address)',
    'allowance(address,address)',
    'totalSupply()',
    'decimals()',
    'name()',
    'symbol()',
    'owner()',
    'deposit(uint256,address)',
    'mint(uint256,address)',
    'withdraw(uint256,address,address)',
    'redeem(uint256,address,address)',
    'totalAssets()',
    'asset()',
    'convertToAssets(uint256)',
    'convertToShares(uint256)',
    'token0()',
    'token1()',
    'getReserves()',
    'sync()',
    'skim(address)',
    'swap(uint256,uint256,address,bytes)',
    'slot0()',
    'upgradeTo(address)',
    'upgradeToAndCall(address,bytes)',
    'multicall(bytes[])',
    'paused()',
    'pause()',
    'unpause()',
    'hasRole(bytes32,address)',
    'grantRole(bytes32,address)',
    'supportsInterface(bytes4)',
  ].map((signature) => toFunctionSelector(`function ${signature}`).slice(2)),
)

type Target = {
  readonly thing: PrepThing
  readonly address: string
  /** Selectors of its own functions, with their names. */
  readonly selectors: ReadonlyMap<number, string>
}

/** What a contract's code is searched for, by the first four bytes of each. */
export type Targets = {
  readonly all: readonly Target[]
  readonly byPrefix: ReadonlyMap<number, readonly Target[]>
  readonly bySelector: ReadonlySet<number>
}

const numberOf = (hex: string): number => Number.parseInt(hex, 16)

const selectorsOf = (thing: PrepThing): ReadonlyMap<number, string> =>
  new Map(
    (thing.abi ?? []).flatMap((item) => {
      if (item.type !== 'function' || item.stateMutability === 'view') return []
      const selector = toFunctionSelector(item).slice(2)
      return COMMON.has(selector) ? [] : [[numberOf(selector), cleanText(item.name, 60)] as const]
    }),
  )

/** Made once for a watchlist. */
export const targetsOf = (things: readonly PrepThing[]): Targets => {
  const all = things.map((thing) => ({
    thing,
    address: thing.address.slice(2),
    selectors: selectorsOf(thing),
  }))
  const byPrefix = new Map<number, Target[]>()
  for (const target of all) {
    const prefix = numberOf(target.address.slice(0, 8))
    byPrefix.set(prefix, [...(byPrefix.get(prefix) ?? []), target])
  }
  const bySelector = new Set([
    ...CALLBACKS.keys(),
    ...all.flatMap(({ selectors }) => [...selectors.keys()]),
  ])
  return { all, byPrefix, bySelector }
}

export type CodeFacts = {
  readonly named: readonly {
    readonly thing: PrepThing
    readonly by: 'address' | 'functions'
    readonly functions: readonly string[]
  }[]
  readonly callbacks: readonly string[]
}

const PUSH4 = 0x63
const PUSH32 = 0x7f

/** One pass over the bytes: selectors are operands of a push, addresses stand anywhere. */
const scan = (
  code: Hex,
  targets: Targets,
): { readonly selectors: ReadonlySet<number>; readonly named: ReadonlySet<Target> } => {
  const bytes = Buffer.from(code.slice(2), 'hex')
  const selectors = new Set<number>()
  const named = new Set<Target>()
  let window = 0
  for (let end = 0; end < bytes.length; end++) {
    window = ((window << 8) | (bytes[end] ?? 0)) >>> 0
    const start = end - 3
    if (start < 0) continue
    const push = bytes[start - 1]
    if ((push === PUSH4 || push === PUSH32) && targets.bySelector.has(window)) selectors.add(window)
    for (const target of targets.byPrefix.get(window) ?? [])
      if (bytes.toString('hex', start, start + 20) === target.address) named.add(target)
  }
  return { selectors, named }
}

/** Init code holds the code, its constants and the constructor's arguments: all that a contract begins with. */
export const readCode = (code: Hex, targets: Targets, minSelectors: number): CodeFacts => {
  const { selectors, named } = scan(code, targets)
  const callbacks = [...CALLBACKS].flatMap(([selector, name]) =>
    selectors.has(selector) ? [name] : [],
  )
  return {
    callbacks: [...new Set(callbacks)],
    named: targets.all.flatMap((target): CodeFacts['named'] => {
      const functions = [...target.selectors].flatMap(([one, name]) =>
        selectors.has(one) ? [name] : [],
      )
      const { thing } = target
      if (named.has(target)) return [{ thing, by: 'address', functions }]
      return functions.length >= minSelectors ? [{ thing, by: 'functions', functions }] : []
    }),
  }
}

export const isOwnAddress = (tags: readonly string[] | undefined): boolean =>
  (tags ?? []).some((tag) => tag === 'own' || tag === 'deployer')
