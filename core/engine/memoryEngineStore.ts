import type { Json } from '../base/index.ts'
import { TocsinError } from '../base/index.ts'
import {
  type BlockCommit,
  type BlockId,
  type CommittedBlock,
  type EngineStore,
  type FindingRow,
  KEPT_FINAL_BLOCKS,
  type StoredBot,
} from './engineStore.ts'

type KeptState = { botId: string; key: string; blockNumber: number; value: Json | undefined }
type KeptSample = { botId: string } & StoredBot['samples'][number]
type KeptCursor = BlockId & { genesisHash: string; finalized: number | undefined }

/** What a store in memory holds; whoever keeps it elsewhere begins there again. */
export type MemorySnapshot = {
  readonly cursor: KeptCursor | undefined
  readonly blocks: readonly CommittedBlock[]
  /** Those that can still be retracted. */
  readonly findings: readonly FindingRow[]
  readonly state: readonly KeptState[]
  readonly samples: readonly KeptSample[]
}

/** A store in memory, for backtests and tests; it keeps the same promises as the one in Postgres, but not over a restart. */
export type MemoryEngineStore = EngineStore<undefined> & {
  /** All that it holds, as it stands between two commits. */
  readonly snapshot: () => MemorySnapshot
  /** Every finding ever committed, retracted ones too, in order of their first commit. */
  readonly findings: () => readonly FindingRow[]
}

const moved = (): TocsinError =>
  new TocsinError('engine.cursor_moved', 'The cursor stands elsewhere.')

/**
 * @param options.keepBots false where nobody will load bots again (backtests): their rows are not kept a second time
 * @param options.keepFindings false where nobody asks for them again: final ones are forgotten
 * @param options.from where to begin. Default: with nothing
 */
export const createMemoryEngineStore = (
  options: {
    readonly keepBots?: boolean
    readonly keepFindings?: boolean
    readonly from?: MemorySnapshot | undefined
  } = {},
): MemoryEngineStore => {
  const { keepBots = true, keepFindings = true, from } = options
  let cursor = from?.cursor
  let blocks: CommittedBlock[] = [...(from?.blocks ?? [])]
  let open = new Map<string, FindingRow>()
  const findings = new Map<string, FindingRow>()
  let state: KeptState[] = [...(from?.state ?? [])]
  let samples: KeptSample[] = [...(from?.samples ?? [])]

  const put = (row: FindingRow): void => {
    findings.set(row.id, row)
    if (row.status === 'provisional') open.set(row.id, row)
  }
  for (const row of from?.findings ?? []) put(row)
  const commitBlock = async (
    commit: BlockCommit,
    hook?: (tx: undefined, rows: readonly FindingRow[]) => Promise<void>,
  ): Promise<void> => {
    const { block, parent } = commit
    if (cursor?.hash !== parent?.hash) throw moved()
    const latencyMs = commit.latencyMs()
    const fresh = commit.findings
      .filter(({ id }) => (findings.get(id)?.status ?? 'retracted') === 'retracted')
      .map((row) => ({ ...row, latencyMs }))
    if (hook && fresh.length > 0) await hook(undefined, fresh)
    for (const row of fresh) put(row)
    if (keepBots) {
      for (const row of commit.state) state.push({ ...row, blockNumber: block.number })
      for (const row of commit.samples)
        samples.push({ ...row, blockNumber: block.number, timestampS: block.timestampS })
    }
    blocks.push(block)
    cursor = {
      number: block.number,
      hash: block.hash,
      genesisHash: cursor?.genesisHash ?? commit.genesisHash,
      finalized: cursor?.finalized,
    }
  }
  return {
    findings: () => [...findings.values()],
    snapshot: () => ({ cursor, blocks, findings: [...open.values()], state, samples }),
    lock: async () => undefined,
    unlock: async () => undefined,
    readCursor: async () => cursor,
    loadChain: async () => ({ cursor, blocks: [...blocks] }),
    loadBot: async (botId) => ({
      state: state.filter((row) => row.botId === botId),
      samples: samples.filter((row) => row.botId === botId),
    }),
    commitBlock,
    rollback: async (from, to) => {
      if (!cursor || cursor.hash !== from.hash) throw moved()
      cursor = { ...cursor, ...to }
      blocks = blocks.filter(({ number }) => number <= to.number)
      state = state.filter(({ blockNumber }) => blockNumber <= to.number)
      samples = samples.filter(({ blockNumber }) => blockNumber <= to.number)
      for (const row of open.values())
        if (row.blockNumber > to.number) findings.set(row.id, { ...row, status: 'retracted' })
      open = new Map([...open].filter(([, row]) => row.blockNumber <= to.number))
    },
    finalize: async (number, pruned) => {
      if (!cursor) return
      cursor = { ...cursor, finalized: Math.max(cursor.finalized ?? 0, number) }
      blocks = blocks.filter((block) => block.number >= number - KEPT_FINAL_BLOCKS)
      for (const row of open.values()) {
        if (row.blockNumber > number) continue
        if (keepFindings) findings.set(row.id, { ...row, status: 'final' })
        else findings.delete(row.id)
        open.delete(row.id)
      }
      if (!keepBots) return
      const gone = new Set(
        pruned.state.map((row) => `${row.botId}\n${row.key}\n${row.blockNumber}`),
      )
      state = state.filter((row) => !gone.has(`${row.botId}\n${row.key}\n${row.blockNumber}`))
      for (const cut of pruned.samples)
        samples = samples.filter(
          (row) =>
            row.botId !== cut.botId ||
            row.key !== cut.key ||
            row.blockNumber > cut.blockNumber ||
            (row.blockNumber === cut.blockNumber && row.ordinal >= cut.ordinal),
        )
    },
  }
}
