import type { Address, CallTrace, Hex } from 'tocsin'
import { toFunctionSelector } from 'viem/utils'

const selectors = (...signatures: readonly string[]): ReadonlySet<string> =>
  new Set(signatures.map((signature) => toFunctionSelector(signature)))

/** Functions that hand control over so that one comes back: loans, unlocks, swaps with a callback, carried calls. */
const OPEN_DOORS = selectors(
  'unlock(bytes)',
  'flashLoan(address,address,uint256,bytes)',
  'flashLoan(address,address[],uint256[],bytes)',
  'flashLoan(address,address[],uint256[],uint256[],address,bytes,uint16)',
  'flashLoanSimple(address,address,uint256,bytes,uint16)',
  'flash(address,uint256,uint256,bytes)',
  'flash(uint256,uint256,address,bytes)',
  'flashBorrowToken(uint256,address,uint256)',
  'swap(uint256,uint256,address,bytes)',
  'swap(address,bool,int256,uint160,bytes)',
  'mint(address,int24,int24,uint128,bytes)',
  'operate((uint8,uint256,(bool,uint8,uint8,uint256),uint256,uint256,address,uint256,bytes)[])',
  'multicall(bytes[])',
  'multicall(uint256,bytes[])',
  'batch(((address,bytes,uint256)[]))',
  'execute(address,uint256,bytes)',
  'executeBatch(address[],uint256[],bytes[])',
  'liquidate(address,address,uint256,bytes)',
)

/** Hooks by which tokens, pools and lenders answer to whoever called them. */
const HOOKS = selectors(
  'onERC721Received(address,address,uint256,bytes)',
  'onERC1155Received(address,address,uint256,uint256,bytes)',
  'onERC1155BatchReceived(address,address,uint256[],uint256[],bytes)',
  'tokensReceived(address,address,address,uint256,bytes,bytes)',
  'tokensToSend(address,address,address,uint256,bytes,bytes)',
  'onTransferReceived(address,address,uint256,bytes)',
  'onFlashLoan(address,address,uint256,uint256,bytes)',
  'executeOperation(address,uint256,uint256,address,bytes)',
  'executeOperation(address[],uint256[],uint256[],address,bytes)',
  'receiveFlashLoan(address[],uint256[],uint256[],bytes)',
  'uniswapV2Call(address,uint256,uint256,bytes)',
  'uniswapV3SwapCallback(int256,int256,bytes)',
  'uniswapV3MintCallback(uint256,uint256,bytes)',
  'uniswapV3FlashCallback(uint256,uint256,bytes)',
  'unlockCallback(bytes)',
  'supportsInterface(bytes4)',
  'isValidSignature(bytes32,bytes)',
  'beforeSwap(address,(address,address,uint24,int24,address),(bool,int256,uint160),bytes)',
)

export const selectorOf = ({ input }: CallTrace): Hex => input.slice(0, 10).toLowerCase() as Hex

/** A call into a thing while a call of it that may change state has not ended. */
export type Reentry = {
  readonly outer: CallTrace
  readonly inner: CallTrace
}

const isWithin = (inner: CallTrace, outer: CallTrace): boolean =>
  inner.path.length > outer.path.length &&
  outer.path.every((step, index) => inner.path[index] === step)

/**
 * Calls by which somebody else came back into an address while it was at work, in one transaction. Its own calls to
 * itself, plain payments, delegatecalls, hooks it is asked through, and functions that are open by design are none.
 */
export const findReentries = (
  address: Address,
  calls: readonly CallTrace[],
  ignored: readonly string[],
): readonly Reentry[] => {
  const into = calls.filter((call) => call.to === address)
  if (into.length < 2) return []
  const outers = into.filter(
    (call) => call.type === 'CALL' && call.input.length >= 10 && !OPEN_DOORS.has(selectorOf(call)),
  )
  return into.flatMap((inner): readonly Reentry[] => {
    const isCall = inner.type === 'CALL' || inner.type === 'STATICCALL'
    if (!isCall || inner.reverted || inner.from === address || inner.input.length < 10) return []
    const selector = selectorOf(inner)
    if (HOOKS.has(selector) || ignored.includes(selector)) return []
    // Open by design on the way: a loan of this very thing is still going on.
    const isOpen = into.some(
      (one) =>
        isWithin(inner, one) &&
        (OPEN_DOORS.has(selectorOf(one)) || ignored.includes(selectorOf(one))),
    )
    const outer = outers.find((one) => isWithin(inner, one))
    return outer && !isOpen ? [{ outer, inner }] : []
  })
}

/** A state-changing call to another watched thing, between a call of the first and a look at it. */
export const findConsumer = (
  { outer, inner }: Reentry,
  calls: readonly CallTrace[],
  isWatched: (address: Address) => boolean,
): CallTrace | undefined =>
  calls.find(
    (call) =>
      call.type === 'CALL' &&
      call.to !== null &&
      call.to !== outer.to &&
      !call.reverted &&
      isWatched(call.to) &&
      isWithin(call, outer) &&
      isWithin(inner, call),
  )
