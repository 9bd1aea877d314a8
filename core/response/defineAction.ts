import { TocsinError } from '../base/index.ts'
import { findForbidden } from './findLoweredGuard.ts'
import type { ActionDefinition } from './types.ts'

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
  if (action.selectors === 'any') return Object.freeze({ ...action })
  if (action.selectors.length === 0) fail('it names no selector.')
  for (const selector of action.selectors) {
    if (!/^0x[0-9a-f]{8}$/.test(selector))
      fail(`${selector} is not a selector of 4 bytes in lower case.`)
    const forbidden = findForbidden(selector)
    if (forbidden)
      fail(
        `${forbidden} lowers a guard, hands over control or moves value; Tocsin never does that.`,
      )
  }
  return Object.freeze({ ...action, selectors: Object.freeze([...action.selectors]) })
}
