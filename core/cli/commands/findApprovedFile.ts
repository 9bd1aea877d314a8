import { TocsinError } from '../../base/index.ts'
import {
  type ApprovedFile,
  type DeskPolicy,
  formatFault,
  type LoadedPolicy,
  type PolicyFault,
  readDeskPolicies,
  readPolicies,
} from '../../response/index.ts'
import { EXIT } from '../exitCodes.ts'

export type ApprovedFiles = {
  readonly policies: readonly LoadedPolicy[]
  readonly desks: readonly DeskPolicy[]
  readonly faults: readonly PolicyFault[]
}

/** Every file of the folder that people approve: policies, and desks. */
export const readApprovedFiles = async (actionsDir: string): Promise<ApprovedFiles> => {
  const [{ policies, faults }, desks] = await Promise.all([
    readPolicies(actionsDir),
    readDeskPolicies(actionsDir),
  ])
  return { policies, desks: desks.desks, faults: [...faults, ...desks.faults] }
}

/**
 * The policy of that id, or the desk's.
 * @throws TocsinError `policy.unknown`
 */
export const findApprovedFile = async (actionsDir: string, id: string): Promise<ApprovedFile> => {
  const { policies, desks, faults } = await readApprovedFiles(actionsDir)
  const all = [...policies, ...desks]
  const found = all.find((each) => each.id === id)
  if (found) return found
  throw new TocsinError('policy.unknown', `There is no approved policy "${id.slice(0, 80)}".`, {
    exitCode: EXIT.invalid,
    hints: [
      `Policies: ${all.map((each) => each.id).join(', ') || 'none'}.`,
      ...faults.map(formatFault),
    ],
  })
}
