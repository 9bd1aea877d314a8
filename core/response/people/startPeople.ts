import { type Loop, messageOf } from '../../base/index.ts'
import type { Config } from '../../config/types.ts'
import type { Database } from '../../store/index.ts'
import type { Logger, Meter } from '../../telemetry/index.ts'
import { type AuditFollower, followAudit } from '../auditAnchor.ts'
import type { SignerContext } from '../signerContext.ts'
import type { LoadedPolicy } from '../types.ts'
import { watchKillSwitch } from './killSwitch.ts'
import { loadPeopleSecret } from './peopleSecret.ts'
import { type People, readApprovals } from './readApprovals.ts'
import { readOrder } from './readOrder.ts'
import { settleHalt } from './resume.ts'
import { settleProposals } from './settleProposals.ts'
import { tellProposal } from './tellProposals.ts'

/** Proposals that are remembered as told; forgetting one costs a query. */
const MAX_TOLD = 1_000

/** What people may tell the signer, and what it keeps for them. */
export type PeopleParts = Pick<SignerContext, 'isHalted' | 'readApprovals' | 'readOrder'> &
  Loop & {
    readonly audit: AuditFollower
    /** Counts the answers to open proposals; true when one was released. */
    readonly settle: (context: SignerContext) => Promise<boolean>
    /** Ends a stop that enough people agreed to end, by these policies. */
    readonly settleHalt: (policies: readonly LoadedPolicy[]) => Promise<void>
  }

/** @throws TocsinError `people.weak_secret` */
export const startPeople = async (options: {
  readonly config: Config
  readonly db: Database
  readonly log: Logger
  readonly meter: Meter
  /** Called when the stop in the database came or went. */
  readonly onHalt: () => void
}): Promise<PeopleParts> => {
  const { config, db, log } = options
  const people: People = {
    secret: await loadPeopleSecret(config),
    approvers: config.signer?.approvers ?? [],
  }
  const audit = followAudit({ db, dataDir: config.dataDir, meter: options.meter })
  const killSwitch = await watchKillSwitch({
    db,
    dataDir: config.dataDir,
    onChange: (isOn) => {
      log.warn({ isOn }, isOn ? 'All automatic action is stopped.' : 'The stop was lifted.')
      options.onHalt()
    },
    onError: (error) => log.error({ error: messageOf(error) }, 'The kill switch cannot be read.'),
  })
  const told = new Set<string>()
  return {
    audit,
    settle: (context) =>
      settleProposals(context, async (row, policy) => {
        if (told.has(row.id)) return
        try {
          await tellProposal(context, config, row, policy)
        } catch (error) {
          // Tried again at the next turn; those who know of it may answer meanwhile.
          log.error({ error: messageOf(error), execution: row.id }, 'A proposal was not told yet.')
          return
        }
        if (told.size > MAX_TOLD) told.clear()
        told.add(row.id)
      }),
    settleHalt: async (policies) => {
      if (!killSwitch.isOn()) return
      const { dataDir } = config
      if (await settleHalt({ db, people, dataDir, policies })) killSwitch.wake()
    },
    isHalted: killSwitch.isOn,
    readApprovals: (execution, policy) => readApprovals(db, people, execution, policy),
    readOrder: (...question) => readOrder(people, ...question),
    wake: killSwitch.wake,
    stop: killSwitch.stop,
  }
}
