import { type Hex, TocsinError } from '../base/index.ts'
import type { ActionDefinition } from './types.ts'

/** Selectors that lower a guard or hand over control. No action may name one. */
const FORBIDDEN: Readonly<Record<Hex, string>> = {
  '0x3f4ba83a': 'unpause()',
  '0x57b001f9': 'unpause(address)',
  '0xf2fde38b': 'transferOwnership(address)',
  '0x715018a6': 'renounceOwnership()',
  '0x2f2ff15d': 'grantRole(bytes32,address)',
  '0x36568abe': 'renounceRole(bytes32,address)',
  '0x3659cfe6': 'upgradeTo(address)',
  '0x4f1ef286': 'upgradeToAndCall(address,bytes)',
  '0xa9059cbb': 'transfer(address,uint256)',
  '0x095ea7b3': 'approve(address,uint256)',
}

/**
 * Declares a kind of response. Importing the file that calls it does nothing else.
 * @throws TocsinError `action.invalid` when the id or a selector is malformed, or a selector could lower a guard.
 * @example export const pause = defineAction({ id: 'pause', selectors: ['0x8456cb59'], … })
 */
export const defineAction = (action: ActionDefinition): ActionDefinition => {
  const fail = (message: string): never => {
    throw new TocsinError('action.invalid', `Action "${action.id}": ${message}`)
  }
  if (!/^[a-z][a-z0-9-]*$/.test(action.id)) fail('id must be kebab-case.')
  if (action.selectors.length === 0) fail('it names no selector.')
  for (const selector of action.selectors) {
    if (!/^0x[0-9a-f]{8}$/.test(selector))
      fail(`${selector} is not a selector of 4 bytes in lower case.`)
    const forbidden = FORBIDDEN[selector]
    if (forbidden)
      fail(`${forbidden} lowers a guard or hands over control; Tocsin never does that.`)
  }
  return Object.freeze({ ...action, selectors: Object.freeze([...action.selectors]) })
}
