import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Less young garbage than this is not worth a collection (bytes). */
const WORTH_BYTES = 1_048_576

export type HeapTidy = {
  /** `who` answers to something now: nothing is collected by choice until it rests. */
  readonly begin: (who: string) => void
  /** `who` is done. Unless somebody begins meanwhile, the young garbage goes after `pauseMs`. */
  readonly rest: (who: string, pauseMs: number) => void
  readonly stop: () => void
}

type Collect = (options: { readonly type: 'minor' }) => void

const isCollect = (value: unknown): value is Collect => typeof value === 'function'

/** V8's own collector; undefined for an engine that does not lend it. */
const borrowCollector = (): Collect | undefined => {
  setFlagsFromString('--expose-gc')
  const found: unknown = runInNewContext("typeof gc === 'function' ? gc : undefined")
  return isCollect(found) ? found : undefined
}

const youngBytes = (): number =>
  getHeapSpaceStatistics()
    .filter(({ space_name }) => space_name.startsWith('new_'))
    .reduce((sum, { space_used_size }) => sum + space_used_size, 0)

/**
 * Collects a process's young garbage while nobody waits for it. Left to itself, V8 does so when the space is full, and
 * begins to mark the old generation then: in the middle of the block that filled it, which is late by tens of
 * milliseconds. One for a whole process.
 */
export const createHeapTidy = (): HeapTidy => {
  const collect = borrowCollector()
  const busy = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  const cancel = (): void => {
    clearTimeout(timer)
    timer = undefined
  }
  return {
    begin: (who) => {
      busy.add(who)
      cancel()
    },
    rest: (who, pauseMs) => {
      busy.delete(who)
      cancel()
      if (busy.size > 0 || !collect) return
      timer = setTimeout(() => {
        if (youngBytes() >= WORTH_BYTES) collect({ type: 'minor' })
      }, pauseMs).unref()
    },
    stop: cancel,
  }
}
