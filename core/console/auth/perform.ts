import { isTocsinError, type Json } from '../../base/index.ts'
import type { Store } from '../../store/index.ts'
import { type ConsoleContext, principalOf } from '../principal.ts'
import { noteDeed } from './audit.ts'
import type { Auth } from './createAuth.ts'

/** What is done, as the audit calls it. */
export type Act = {
  /** `incident.acknowledge`, `silence.create`, … */
  readonly act: string
  readonly subject?: string
  readonly detail?: { readonly [key: string]: Json }
}

/** Does something for a person and writes into the audit who did it and what came of it. */
export type Perform = <T>(c: ConsoleContext, act: Act, work: () => Promise<T>) => Promise<T>

const isRefusal = (result: unknown): boolean =>
  typeof result === 'object' && result !== null && 'accepted' in result && result.accepted === false

export const createPerform =
  (store: Store, auth: Pick<Auth, 'addressOf'>): Perform =>
  async (c, act, work) => {
    const { name, via } = principalOf(c)
    const note = (result: 'done' | 'refused' | 'failed', code?: string): Promise<void> =>
      noteDeed(store.db, {
        ...act,
        who: name,
        via,
        origin: auth.addressOf(c),
        result,
        detail: { ...act.detail, ...(code ? { code } : {}) },
      })
    try {
      const result = await work()
      await note(isRefusal(result) ? 'refused' : 'done')
      return result
    } catch (error) {
      const isOurs = isTocsinError(error)
      await note(isOurs ? 'refused' : 'failed', isOurs ? error.code : undefined)
      throw error
    }
  }
