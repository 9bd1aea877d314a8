import type { FindingSeverity } from '../base/index.ts'
import type { FindingRow } from './engineStore.ts'
import type { AlertNeed, AlertSource, BotAlert } from './types.ts'

const SEVERITIES: readonly FindingSeverity[] = ['Info', 'Low', 'Medium', 'High', 'Critical']

export type CompiledAlert = {
  readonly botIds: ReadonlySet<string> | undefined
  readonly alertIds: ReadonlySet<string> | undefined
  readonly least: number
  readonly source: AlertSource
}

const isNames = (value: unknown, pattern: RegExp): boolean =>
  value === undefined ||
  (Array.isArray(value) &&
    value.length > 0 &&
    value.every((one) => typeof one === 'string' && pattern.test(one)))

/** @param fail says what is wrong, and never returns */
export const compileAlert = (need: AlertNeed, fail: (problem: string) => never): CompiledAlert => {
  const { botIds, alertIds, minSeverity = 'Info', source = 'bot' } = need
  if (!isNames(botIds, /^[a-z][a-z0-9-]*$/)) return fail('botIds must be a list of ids of bots')
  if (!isNames(alertIds, /^\S{1,100}$/)) return fail('alertIds must be a list of ids of alerts')
  if (!SEVERITIES.includes(minSeverity))
    return fail(`${JSON.stringify(minSeverity)} is no severity`)
  if (source !== 'bot' && source !== 'external')
    return fail(`the source ${JSON.stringify(source)} is neither "bot" nor "external"`)
  return {
    botIds: botIds && new Set(botIds),
    alertIds: alertIds && new Set(alertIds),
    least: SEVERITIES.indexOf(minSeverity),
    source,
  }
}

/** The alerts that any of the needs asks for, each once, in their order. */
export const selectAlerts = (
  alerts: readonly BotAlert[],
  needs: readonly CompiledAlert[],
): readonly BotAlert[] =>
  alerts.filter((alert) =>
    needs.some(
      ({ botIds, alertIds, least, source }) =>
        alert.source === source &&
        (botIds?.has(alert.botId) ?? true) &&
        (alertIds?.has(alert.alertId) ?? true) &&
        SEVERITIES.indexOf(alert.severity) >= least,
    ),
  )

/** What others may see of a finding: a copy that nobody can change. */
export const toBotAlert = (row: FindingRow, source: AlertSource = 'bot'): BotAlert =>
  Object.freeze({
    source,
    id: row.id,
    botId: row.botId,
    alertId: row.alertId,
    alertKind: row.alertKind,
    condition: row.condition,
    uniqueKey: row.uniqueKey,
    name: row.name,
    description: row.description,
    severity: row.severity,
    type: row.type,
    thing: row.thing,
    owner: row.owner,
    protocol: row.protocol,
    metadata: Object.freeze({ ...row.metadata }),
    addresses: Object.freeze([...row.addresses]),
    labels: Object.freeze(row.labels.map((label) => Object.freeze({ ...label }))),
    txHash: row.txHash,
  })
