import type { z } from 'zod'
import type { Sev } from '../../base/index.ts'
import { incidentsSchema } from '../../config/schema.ts'

export type IncidentSettings = z.infer<typeof incidentsSchema>
export type Maintenance = IncidentSettings['maintenance'][number]

const DEFAULTS = incidentsSchema.parse({})

/** How a watchlist wants its incidents, or the usual. */
export const incidentSettings = (config: {
  readonly incidents?: IncidentSettings | undefined
}): IncidentSettings => config.incidents ?? DEFAULTS

/** What people count by: SEV4 is the mildest. */
const ORDER: readonly Sev[] = ['SEV1', 'SEV2', 'SEV3', 'SEV4']

/** One step graver, but not beyond `upTo`; the same when it is as grave already. */
export const oneStepGraver = (severity: Sev, upTo: Sev): Sev => {
  const at = ORDER.indexOf(severity)
  return ORDER[Math.min(at, Math.max(at - 1, ORDER.indexOf(upTo)))] ?? severity
}
