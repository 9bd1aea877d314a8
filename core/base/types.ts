/** Lower-level words that every room of Tocsin shares. */

/** A hexadecimal string with its `0x` in front. */
export type Hex = `0x${string}`

/** A 20-byte address, always lower case inside Tocsin. Checksummed only where a person reads it. */
export type Address = `0x${string}`

/** JSON, as Postgres stores it. Amounts travel as decimal strings. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

/** Severity as people are told of it (SEV1 pages, SEV4 waits for the next business day). */
export type Sev = 'SEV1' | 'SEV2' | 'SEV3' | 'SEV4'

/** Severity in Forta's words, as a bot states it. */
export type FindingSeverity = 'Critical' | 'High' | 'Medium' | 'Low' | 'Info'

/** What a finding speaks of, in Forta's words. */
export type FindingType = 'Exploit' | 'Suspicious' | 'Degraded' | 'Info' | 'Scam' | 'Unknown'

/** Default mapping of Forta's words onto SEV1 to SEV4; a route may raise or lower it. */
export const SEV_OF: Readonly<Record<FindingSeverity, Sev>> = {
  Critical: 'SEV1',
  High: 'SEV2',
  Medium: 'SEV3',
  Low: 'SEV4',
  Info: 'SEV4',
}

/** How the description of a finding begins that the simulation of a pending transaction brought. */
export const PENDING_PREFIX = 'Pending, not mined: '

/** Bot id of everything that Tocsin finds about itself. */
export const SELF_BOT_ID = 'tocsin'

/** Of findings made up to travel the whole way to a channel: they count nowhere. */
export const CANARY_ALERT_ID = 'CANARY'

/** Whether a finding or alert is made up: not grouped, not held, not silenced, not counted. */
export const isCanary = (one: { readonly botId: string; readonly alertId: string }): boolean =>
  one.botId === SELF_BOT_ID && one.alertId === CANARY_ALERT_ID
