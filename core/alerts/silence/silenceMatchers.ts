import { z } from 'zod'
import { SELF_BOT_ID, type Sev } from '../../base/index.ts'

const words = z.array(z.string().min(1).max(200)).min(1).max(50).optional()

/** All that are given must match; a value may end or begin with `*`. */
export const silenceMatchersSchema = z.strictObject({
  bot: words,
  alertId: words,
  thing: words,
  owner: words,
  protocol: words,
  /** Names or ids. */
  chain: words,
  severity: z
    .array(z.enum(['SEV1', 'SEV2', 'SEV3', 'SEV4']))
    .min(1)
    .optional(),
})

export type SilenceMatchers = z.infer<typeof silenceMatchersSchema>

/** What a silence can ask of an alert. */
export type Silenceable = {
  readonly botId: string
  readonly alertId: string
  readonly thing: string | null
  readonly owner: string | null
  readonly protocol: string | null
  readonly chainId: number
  readonly chainName?: string | undefined
  readonly severity: Sev
}

const fits = (pattern: string, value: string): boolean => {
  if (pattern === '*') return true
  if (pattern.length > 1 && pattern.endsWith('*')) return value.startsWith(pattern.slice(0, -1))
  if (pattern.length > 1 && pattern.startsWith('*')) return value.endsWith(pattern.slice(1))
  return pattern === value
}

const allows = (
  patterns: readonly string[] | undefined,
  values: readonly (string | null | undefined)[],
): boolean =>
  patterns === undefined ||
  patterns.some((pattern) => values.some((value) => value != null && fits(pattern, value)))

/**
 * Whether matchers cover an alert. A SEV1 is covered only by matchers that name SEV1, and what Tocsin says about itself
 * by none.
 */
export const matchesSilence = (matchers: SilenceMatchers, alert: Silenceable): boolean => {
  if (alert.botId === SELF_BOT_ID) return false
  if (alert.severity === 'SEV1' && !matchers.severity?.includes('SEV1')) return false
  return (
    allows(matchers.severity, [alert.severity]) &&
    allows(matchers.bot, [alert.botId]) &&
    allows(matchers.alertId, [alert.alertId]) &&
    allows(matchers.thing, [alert.thing]) &&
    allows(matchers.owner, [alert.owner]) &&
    allows(matchers.protocol, [alert.protocol]) &&
    allows(matchers.chain, [alert.chainName, String(alert.chainId)])
  )
}

/** Whether matchers say what they cover, beside its severity: one that covers everything would be no silence but a switch. */
export const isNarrow = ({ severity, ...rest }: SilenceMatchers): boolean =>
  Object.values(rest).some((patterns) => patterns?.every((pattern) => pattern !== '*') ?? false)
