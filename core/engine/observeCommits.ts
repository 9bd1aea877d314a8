import { isTocsinError } from '../base/index.ts'
import type { EngineStore, FindingRow } from './engineStore.ts'

/** Who hears whether findings could be committed. */
export type CommitObserver = {
  /** The database did not answer; the block will be tried again. */
  readonly onFailed: (findings: readonly FindingRow[]) => void
  readonly onStored: (findings: readonly FindingRow[]) => void
}

/** Tells an observer what becomes of the findings of each block. */
export const observeCommits = <Tx>(
  store: EngineStore<Tx>,
  observer: CommitObserver | undefined,
): EngineStore<Tx> => {
  if (!observer) return store
  return {
    ...store,
    commitBlock: async (commit, hook) => {
      try {
        await store.commitBlock(commit, hook)
      } catch (error) {
        // An error of ours is the database's answer: it is there.
        if (!isTocsinError(error) && commit.findings.length > 0) observer.onFailed(commit.findings)
        throw error
      }
      if (commit.findings.length > 0) observer.onStored(commit.findings)
    },
  }
}
