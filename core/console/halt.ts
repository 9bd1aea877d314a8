import { existsSync } from 'node:fs'
import { messageOf, TocsinError } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import {
  agreeToResume,
  killSwitchFile,
  type PeopleSecret,
  peopleToResume,
  readAgreements,
  readHalt,
  recordHalt,
  writeHaltFile,
} from '../response/light.ts'
import type { Store } from '../store/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { demandApprover, demandOlderUser } from './auth/answerInPerson.ts'
import type { Principal } from './principal.ts'

type Parts = { readonly config: () => Config; readonly store: Store; readonly log: Logger }

/** Stops all automatic action, by the file and by the database. @throws TocsinError `halt.failed` */
export const stopAll = async (
  { config, store, log }: Parts,
  who: string,
  reason: string,
): Promise<{ readonly halted: true; readonly file: boolean; readonly database: boolean }> => {
  const stop = { who, via: 'console' as const, reason }
  const results = await Promise.allSettled([
    writeHaltFile(config().dataDir, stop),
    recordHalt(store.db, stop),
  ])
  for (const result of results)
    if (result.status === 'rejected')
      log.error({ error: messageOf(result.reason) }, 'A part of the stop failed.')
  const [file, database] = results.map(({ status }) => status === 'fulfilled')
  if (!file && !database)
    throw new TocsinError('halt.failed', 'Neither the file nor the row could be written.', {
      hints: ['Run `tocsin halt` at the machine.'],
    })
  return { halted: true, file: file === true, database: database === true }
}

/** Whether everything is stopped, and what it takes to go on. */
export type HaltState = {
  /** Undefined while nothing is stopped; without an `id` only the file stops. */
  readonly stop:
    | {
        readonly id: string | null
        readonly at: Date | null
        readonly who: string | null
        readonly reason: string | null
      }
    | undefined
  /** Names of those who agreed. */
  readonly agreed: readonly string[]
  /** As far as the console's copy of the policies says; the signer counts by its own. */
  readonly needed: number
  /** Whether people may agree by the console: only those whom `signer.approvers` names count. */
  readonly canResume: boolean
}

/** Reads whether all is stopped. A database that cannot be read throws. */
export const readHaltState = async (
  { config, store }: Pick<Parts, 'config' | 'store'>,
  getSecret: () => Promise<PeopleSecret>,
): Promise<HaltState> => {
  const { dataDir, actionsDir, signer } = config()
  const row = await readHalt(store.db)
  const approvers = signer?.approvers ?? []
  const canResume = approvers.length > 0
  if (!row) {
    const isFile = existsSync(killSwitchFile(dataDir))
    const stop = isFile ? { id: null, at: null, who: null, reason: null } : undefined
    return { stop, agreed: [], needed: 1, canResume: false }
  }
  const { id, at, who, reason } = row
  // The room with the chain behind it is loaded when something is stopped, not with the console.
  const { readPolicies } = await import('../response/index.ts')
  const secret = await getSecret()
  const [agreed, { policies }] = await Promise.all([
    readAgreements(store.db, { secret, approvers }, row),
    readPolicies(actionsDir),
  ])
  return {
    stop: { id, at, who, reason },
    agreed: agreed.map(({ name }) => name),
    needed: peopleToResume(policies),
    canResume,
  }
}

/**
 * Agrees that a stop ends, as an approver who proved just now who they are. The console ends nothing: the signer
 * verifies who agreed, against its own list and its own policies, and counts them. Returns for whom they agreed.
 * @throws TocsinError `halt.none`, `halt.machine_only`, `approval.no_approver`, `approval.stale_sign_in`,
 * `approval.new_user`
 */
export const agreeInPerson = async (
  options: Pick<Parts, 'config' | 'store'> & {
    readonly secret: PeopleSecret
    readonly principal: Principal
    readonly haltId: string
    readonly via: 'console' | 'api'
  },
): Promise<string> => {
  const { config, store, secret, principal, haltId, via } = options
  const { name } = demandApprover(config(), principal)
  const { stop, canResume } = await readHaltState(options, async () => secret)
  if (!stop) throw new TocsinError('halt.none', 'Nothing is stopped.')
  if (stop.id === null || stop.at === null || !canResume)
    throw new TocsinError(
      'halt.machine_only',
      'Only `tocsin resume` at the machine ends this stop.',
    )
  // Nobody becomes an approver in order to end it.
  await demandOlderUser(store.db, principal, stop.at)
  await agreeToResume(store.db, secret, { haltId, who: name, via })
  return name
}
