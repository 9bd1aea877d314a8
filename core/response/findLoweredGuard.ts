import type { AbiFunction } from 'viem'
import { decodeFunctionData, parseAbiItem, toFunctionSelector } from 'viem/utils'
import type { Hex } from '../base/index.ts'

/** What lowers a guard, hands over control, moves value, or can carry any other call inside. */
const FORBIDDEN = [
  'unpause()',
  'unpause(address)',
  'unpause(uint256)',
  'unpauseAll()',
  'resume()',
  'unfreeze()',
  'unfreeze(address)',
  'setReserveActive(address,bool)',
  'transferOwnership(address)',
  'acceptOwnership()',
  'renounceOwnership()',
  'grantRole(bytes32,address)',
  'grantRole(uint64,address,uint32)',
  'renounceRole(bytes32,address)',
  'renounceRole(uint64,address)',
  'setAuthority(address)',
  'updateAuthority(address,address)',
  'setTargetClosed(address,bool)',
  'setTargetFunctionRole(address,bytes4[],uint64)',
  'setTargetAdminDelay(address,uint32)',
  'setGrantDelay(uint64,uint32)',
  'setRoleAdmin(uint64,uint64)',
  'setRoleGuardian(uint64,uint64)',
  'upgradeTo(address)',
  'upgradeToAndCall(address,bytes)',
  'upgrade(address,address)',
  'upgradeAndCall(address,address,bytes)',
  'changeAdmin(address)',
  'changeProxyAdmin(address,address)',
  '_setPauseGuardian(address)',
  '_setPendingAdmin(address)',
  '_acceptAdmin()',
  '_setImplementation(address)',
  '_become(address)',
  'enableModule(address)',
  'disableModule(address,address)',
  'setGuard(address)',
  'addOwnerWithThreshold(address,uint256)',
  'removeOwner(address,address,uint256)',
  'swapOwner(address,address,address)',
  'changeThreshold(uint256)',
  'execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)',
  'execTransactionFromModule(address,uint256,bytes,uint8)',
  'execTransactionFromModuleReturnData(address,uint256,bytes,uint8)',
  'execute(address,bytes)',
  'execute(address,uint256,bytes)',
  'schedule(address,bytes,uint48)',
  'multicall(bytes[])',
  'multicall(uint256,bytes[])',
  'aggregate((address,bytes)[])',
  'aggregate3((address,bool,bytes)[])',
  'multiSend(bytes)',
  'transfer(address,uint256)',
  'transferFrom(address,address,uint256)',
  'safeTransferFrom(address,address,uint256)',
  'safeTransferFrom(address,address,uint256,bytes)',
  'setApprovalForAll(address,bool)',
  'approve(address,uint256)',
  'increaseAllowance(address,uint256)',
  'permit(address,address,uint256,uint256,uint8,bytes32,bytes32)',
  'mint(address,uint256)',
  'withdraw(uint256)',
  'withdraw(address,uint256)',
  'withdraw(uint256,address,address)',
  'redeem(uint256,address,address)',
  'fire()',
  'kill()',
] as const

/** Guards that one function raises and lowers: only with every flag true does it raise all that it sets. */
const BOTH_WAYS = [
  'setPaused(bool)',
  'setPause(bool)',
  'setPoolPause(bool)',
  'setPoolPause(bool,uint40)',
  'setReservePause(address,bool)',
  'setReservePause(address,bool,uint40)',
  'setReserveFreeze(address,bool)',
  '_setMintPaused(address,bool)',
  '_setBorrowPaused(address,bool)',
  '_setTransferPaused(bool)',
  '_setSeizePaused(bool)',
  'pause(bool,bool,bool,bool,bool)',
] as const

const bySelector = <T>(
  signatures: readonly T[],
  textOf: (each: T) => string,
): ReadonlyMap<string, T> =>
  new Map(signatures.map((each) => [toFunctionSelector(`function ${textOf(each)}`), each]))

const forbidden = bySelector<string>(FORBIDDEN, (text) => text)
const bothWays = bySelector<string>(BOTH_WAYS, (text) => text)

/** Function that no action may call, by its selector in lower case; undefined when there is none. */
export const findForbidden = (selector: string): string | undefined => forbidden.get(selector)

/** Selectors that no action may call, with their functions. */
export const listForbidden = (): readonly { readonly selector: Hex; readonly name: string }[] =>
  [...forbidden].map(([selector, name]) => ({ selector: selector as Hex, name }))

/**
 * Why a call could lower a guard, hand over control or move value, or undefined when it is not known to. It knows
 * functions that many contracts share; of a contract's own ones only its approvers can know.
 */
export const findLoweredGuard = (calldata: Hex): string | undefined => {
  const selector = calldata.slice(0, 10).toLowerCase()
  if (!/^0x[0-9a-f]{8}$/.test(selector)) return 'it has no selector of 4 bytes'
  const named = forbidden.get(selector)
  if (named) return `${named} lowers a guard, hands over control or moves value`
  const signature = bothWays.get(selector)
  if (!signature) return undefined
  try {
    const item = parseAbiItem(`function ${signature}`) as AbiFunction
    const { args } = decodeFunctionData({ abi: [item], data: calldata })
    const flags = (args ?? []).filter((arg: unknown) => typeof arg === 'boolean')
    return flags.length > 0 && flags.every((flag: unknown) => flag === true)
      ? undefined
      : `${signature} with a flag that is false can lower a guard`
  } catch {
    return `${signature} with arguments that cannot be read`
  }
}
