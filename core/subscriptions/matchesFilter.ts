import type { SubscriptionConfig } from '../config/types.ts'
import { isOwnAffair } from './events.ts'
import type { FindingEvent, KnownChain } from './types.ts'

export type SubscriptionFilter = SubscriptionConfig['filter']

const RANK: Readonly<Record<string, number>> = { Critical: 1, High: 2, Medium: 3, Low: 4, Info: 5 }

/** What a bot says that is unheard-of is taken seriously. */
const rankOf = (severity: string): number => RANK[severity] ?? 1

/**
 * The test that a filter stands for. Lists are alternatives, fields add up; what is left out narrows nothing, but for
 * findings about Tocsin itself, which come only to those who name the bot `tocsin`.
 */
export const createMatcher = (
  filter: SubscriptionFilter,
  chains: readonly KnownChain[],
): ((event: FindingEvent) => boolean) => {
  const allows = (allowed: readonly string[] | undefined): ((value: string | null) => boolean) => {
    if (allowed === undefined) return () => true
    const set = new Set(allowed)
    return (value) => value !== null && set.has(value)
  }
  const [bot, alertId] = [allows(filter.bot), allows(filter.alertId)]
  const [thing, protocol] = [allows(filter.thing), allows(filter.protocol)]
  const status = allows(filter.status)
  const named = filter.chain && new Set(filter.chain)
  const ids = named && new Set(chains.filter(({ name }) => named.has(name)).map(({ id }) => id))
  const addresses = filter.address && new Set(filter.address.map((one) => one.toLowerCase()))
  const least = filter.minSeverity === undefined ? 5 : rankOf(filter.minSeverity)
  const hearsOfUs = filter.bot !== undefined
  return (event) => {
    const { finding } = event
    return (
      (hearsOfUs || !isOwnAffair(event)) &&
      bot(finding.botId) &&
      alertId(finding.alertId) &&
      thing(finding.thing) &&
      protocol(finding.protocol) &&
      status(event.status) &&
      rankOf(finding.severity) <= least &&
      (ids === undefined || ids.has(finding.chainId)) &&
      (addresses === undefined || finding.addresses.some((one) => addresses.has(one.toLowerCase())))
    )
  }
}
