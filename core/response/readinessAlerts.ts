import { and, desc, eq } from 'drizzle-orm'
import { cleanText, SELF_BOT_ID } from '../base/index.ts'
import { type Database, tables } from '../store/index.ts'
import { recordSelfFinding } from '../telemetry/index.ts'
import type { Readiness } from './readiness.ts'
import type { LoadedPolicy, ProbeResult } from './types.ts'

const ALERT_ID = 'ACTION-NOT-READY'
/** Looks in a row that must agree before anybody is told that a probe fails, or that it passes again. */
const LOOKS = 2

type Severity = 'Critical' | 'High' | 'Medium'
const RANK: Readonly<Record<string, number>> = { Medium: 1, High: 2, Critical: 3 }

/** What of a policy, or of a desk's file, the alerts need. */
type Dated = Pick<LoadedPolicy, 'id' | 'expiresAt'>

const severityOf = (policy: Dated | undefined, { name }: ProbeResult): Severity =>
  name === 'expiry' && policy && Date.parse(policy.expiresAt) > Date.now() ? 'Medium' : 'High'

/** What was told last of each probe, and holds still. It lies in the database: a restart tells nothing twice. */
const readOpen = async (db: Database): Promise<ReadonlyMap<string, string>> => {
  const { finding } = tables
  const rows = await db
    .selectDistinctOn([finding.uniqueKey], {
      key: finding.uniqueKey,
      condition: finding.condition,
      severity: finding.severity,
    })
    .from(finding)
    .where(and(eq(finding.botId, SELF_BOT_ID), eq(finding.alertId, ALERT_ID)))
    .orderBy(finding.uniqueKey, desc(finding.seq))
  return new Map(
    rows
      .filter(({ condition }) => condition === 'holds')
      .map(({ key, severity }) => [key, severity]),
  )
}

export type ReadinessAlerts = {
  /** Takes in one round of probes of all policies. */
  readonly update: (round: readonly Readiness[], policies: readonly Dated[]) => Promise<void>
  /** Whether a probe has just changed, so that the next look should come soon. */
  readonly isUnsettled: () => boolean
}

const keyOf = (policy: string, probe: string): string => cleanText(`${policy}/${probe}`, 200)

/** While the chain cannot be read, what was known of the other probes stays. */
const isBlind = ({ probes }: Readiness): boolean =>
  probes.some(({ name, ok }) => !ok && (name === 'endpoint' || name === 'chain'))

/**
 * Tells people when a probe of an approved action fails, and when it passes again: a condition of its own per policy
 * and probe, told after two looks in a row that agree.
 */
export const createReadinessAlerts = (db: Database): ReadinessAlerts => {
  /** Looks in a row with the same answer, and which. */
  const streaks = new Map<string, { readonly ok: boolean; readonly looks: number }>()
  let isUnsettled = false

  const tell = (
    key: string,
    state: 'holds' | 'ended',
    severity: Severity,
    message: string,
  ): Promise<void> => {
    const [policy = '', name = ''] = key.split(/\/(.*)/s)
    const isBad = state === 'holds'
    return recordSelfFinding(db, {
      alertId: ALERT_ID,
      name: isBad
        ? `The action ${policy} is not ready (${name})`
        : `The action ${policy} is ready again (${name})`,
      description: cleanText(
        isBad
          ? `${message} It would not work now. \`tocsin actions verify\` shows every probe.`
          : message,
        1_000,
      ),
      severity,
      uniqueKey: key,
      metadata: { action: policy, probe: name, message: cleanText(message, 500) },
      condition: { state, occurrence: new Date().toISOString() },
    })
  }

  const take = (key: string, ok: boolean): number => {
    const before = streaks.get(key)
    const looks = before?.ok === ok ? before.looks + 1 : 1
    streaks.set(key, { ok, looks })
    return looks
  }

  /** One probe of one policy: tells what is news once two looks agree. */
  const settle = async (
    key: string,
    result: ProbeResult,
    policy: Dated | undefined,
    told: string | undefined,
  ): Promise<void> => {
    const looks = take(key, result.ok)
    const severity = severityOf(policy, result)
    const isGraver = told === undefined || (RANK[severity] ?? 0) > (RANK[told] ?? 0)
    const isNews = result.ok ? told !== undefined : isGraver
    if (isNews && looks >= LOOKS)
      await tell(key, result.ok ? 'ended' : 'holds', severity, result.message)
    else isUnsettled ||= isNews
  }

  return {
    isUnsettled: () => isUnsettled,
    update: async (round, policies) => {
      const open = await readOpen(db)
      const seen = new Set<string>()
      isUnsettled = false
      for (const { policy: id, probes } of round) {
        const policy = policies.find((each) => each.id === id)
        for (const result of probes) {
          const key = keyOf(id, result.name)
          seen.add(key)
          await settle(key, result, policy, open.get(key))
        }
      }
      const blind = new Set(round.filter(isBlind).map(({ policy }) => policy))
      const gone = [...open.keys()].filter(
        (key) => !seen.has(key) && !blind.has(key.split('/')[0] ?? ''),
      )
      for (const key of gone)
        await tell(key, 'ended', 'High', 'Its policy no longer asks for this.')
      for (const key of streaks.keys()) if (!seen.has(key)) streaks.delete(key)
    },
  }
}
