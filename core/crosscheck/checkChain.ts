import type { Database } from '../store/index.ts'
import { advance, type CheckRow, loadProgress, noteProgress } from './checkProgress.ts'
import { compareReaders } from './compareReaders.ts'
import type { Doubts } from './createDoubts.ts'
import { readSides, type Sides } from './readSides.ts'
import { recordDifferences } from './recordDifferences.ts'

type Chain = { readonly id: number; readonly name: string }
type Ready = Extract<Sides['index'], { kind: 'ready' }>

/** Blocks per statement, and statements per turn. */
const BATCH = { blocks: 200, turns: 50 }

/** Compares one batch. Gives the row as it is then, and whether there is more to do at once. */
const checkBatch = async (
  db: Database,
  chain: Chain,
  row: CheckRow,
  span: { readonly index: Ready; readonly from: number; readonly edge: number },
  doubts: Doubts,
): Promise<{ readonly row: CheckRow; readonly isMore: boolean; readonly doubt?: number }> => {
  const start = Math.max(span.from, (row.checked ?? -1) + 1)
  // What lies before was never tallied, or given up.
  const skipped = row.checked === null ? 0 : start - row.checked - 1
  const to = Math.min(start + BATCH.blocks - 1, span.edge)
  if (to < start) return { row, isMore: false }
  const found = await compareReaders(db, chain.id, start, to)
  const { certain, firstDoubt } = doubts.weigh(found, span.index.checkpoint)
  const reached = firstDoubt === undefined ? to : firstDoubt - 1
  if (reached < start) return { row, isMore: false, ...(firstDoubt ? { doubt: firstDoubt } : {}) }
  const told = certain.filter(({ blockNumber }) => blockNumber <= reached)
  const isMine = await db.transaction(async (tx) => {
    await recordDifferences(tx, chain, told)
    return advance(tx, row, {
      from: start,
      to: reached,
      skipped,
      differences: told.length,
      lastDifference: told.at(-1)?.blockNumber,
    })
  })
  if (!isMine) return { row, isMore: false }
  return {
    row: {
      ...row,
      checked: reached,
      skipped: row.skipped + skipped,
      differences: row.differences + told.length,
      lastDifference: told.at(-1)?.blockNumber ?? row.lastDifference,
    },
    isMore: firstDoubt === undefined,
    ...(firstDoubt === undefined ? {} : { doubt: firstDoubt }),
  }
}

/** What keeps the comparison from the newest final block; undefined when it has nothing to do at all. */
const findReason = (sides: Sides, doubt: number | undefined): string | undefined => {
  const { index, finalized } = sides
  if (finalized === undefined || sides.tallied === 0) return undefined
  if (index.kind === 'absent') return sides.isWaiting ? index.reason : undefined
  if (index.shared === 0)
    return sides.isWaiting
      ? 'The index knows none of the addresses that emitted events.'
      : undefined
  if (index.from !== undefined && index.from > finalized) return undefined
  if (doubt !== undefined) return `A difference in block ${doubt} is looked at again.`
  return `The index stands at block ${index.block}, block ${finalized} is final.`
}

/** Whose turn it is to wait: a block that was final then, until it is compared. */
const nextGoal = (row: CheckRow, finalized: number): Pick<CheckRow, 'goal' | 'goalSince'> => {
  const checked = row.checked ?? -1
  if (checked >= finalized) return { goal: null, goalSince: null }
  if (row.goal !== null && checked < row.goal) return { goal: row.goal, goalSince: row.goalSince }
  return { goal: finalized, goalSince: new Date() }
}

/**
 * One look at a chain: compares all final blocks that both readers have passed, in batches, each committed with its
 * findings and the place where to go on. Any number of processes may do so at once.
 */
export const checkChain = async (
  db: Database,
  chain: Chain,
  doubts: Doubts,
  signal: AbortSignal,
): Promise<CheckRow> => {
  const sides = await readSides(db, chain.id)
  const { index, finalized } = sides
  let row = await loadProgress(db, chain)
  let doubt: number | undefined
  if (index.kind === 'ready' && index.from !== undefined && finalized !== undefined) {
    const span = { index, from: index.from, edge: Math.min(finalized, index.block) }
    for (let turn = 0; turn < BATCH.turns && !signal.aborted; turn++) {
      const done = await checkBatch(db, chain, row, span, doubts)
      row = done.row
      doubt = done.doubt
      if (!done.isMore) break
    }
  }
  const reason = findReason(sides, doubt)
  const shared = index.kind === 'ready' ? index.shared : 0
  const addresses = index.kind === 'ready' ? index.addresses : 0
  const goal =
    reason === undefined || finalized === undefined
      ? { goal: null, goalSince: null }
      : nextGoal(row, finalized)
  const state = {
    ...goal,
    reason: goal.goal === null ? '' : (reason ?? ''),
    compared: shared,
    known: sides.tallied + addresses - shared,
  }
  await noteProgress(db, chain.id, state)
  return { ...row, ...state, updatedAt: new Date() }
}
