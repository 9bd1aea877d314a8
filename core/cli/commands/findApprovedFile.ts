import { TocsinError } from '../../base/index.ts'
import {
  type ApprovedFile,
  formatFault,
  readDeskPolicies,
  readPolicies,
} from '../../response/index.ts'
import { EXIT } from '../exitCodes.ts'

/**
 * The policy of that id, or the desk's.
 * @throws TocsinError `policy.unknown`
 */
export const findApprovedFile = async (actionsDir: string, id: string): Promise<ApprovedFile> => {
  const [{ policies, faults }, desks] = await Promise.all([
    readPolicies(actionsDir),
    readDeskPolicies(actionsDir),
  ])
  const all = [...policies, ...desks.desks]
  const found = all.find((each) => each.id === id)
  if (found) return found
  throw new TocsinError('policy.unknown', `There is no approved policy "${id.slice(0, 80)}".`, {
    exitCode: EXIT.invalid,
    hints: [
      `Policies: ${all.map((each) => each.id).join(', ') || 'none'}.`,
      ...[...faults, ...desks.faults].map(formatFault),
    ],
  })
}
