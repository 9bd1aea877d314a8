import { cleanText, stableHash } from '../base/index.ts'
import type { FindingRow } from './types.ts'

type Facts = Pick<FindingRow, 'botId' | 'alertId' | 'chainId' | 'thing' | 'addresses' | 'uniqueKey'>

/** Id of the alert that a finding opens. */
export const alertIdOf = (key: string, findingId: string): string =>
  `a_${stableHash(key, findingId).slice(0, 20)}`

/** What findings are folded by: bot, alertId, chain, and the thing (else the first address, else the unique key). */
export const foldKey = (finding: Facts): string => {
  const subject = finding.thing ?? finding.addresses[0] ?? finding.uniqueKey
  const readable = cleanText(subject, 120)
  const end = readable === subject ? subject : `${readable}#${stableHash(subject).slice(0, 12)}`
  return [finding.botId, finding.alertId, finding.chainId, end].join('/')
}
