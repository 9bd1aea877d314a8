import { SELF_BOT_ID } from '../base/index.ts'
import type { OnCallConfig, Team } from './types.ts'

/** What is known of an alert when its team is looked for. */
export type TeamFacts = {
  readonly botId: string
  readonly alertId: string
  readonly chainId: number
  readonly owner: string | null
  readonly thing: string | null
  readonly protocol: string | null
}

/** Losses and limits: both the desk and risk management hear of them. */
const RISK = /(^|-)(PNL|DRAWDOWN|EXPOSURE|MARGIN|VAR|LEVERAGE|LOSS-LIMIT)(-|$)/
const TRADING = /(^|-)(EXCHANGE|ORDERS?|STRATEGY|DESK|VENUE|TRADING|KILL-SWITCH|REJECTIONS?)(-|$)/
/** What Tocsin says of the actions that it takes on chain is no fault of a machine. */
const DEEDS = /^(PROPOSAL|EXECUTION|ACTION|POLICY|APPROVAL|KILL-SWITCH)(-|$)/
const MACHINES = /(^|-)(RPC|NODE|ENDPOINT|HOST|DISK|CPU|MEMORY|DATABASE|BACKUP|DEPLOY)(-|$)/

const usual: Readonly<Record<string, (facts: TeamFacts) => boolean>> = {
  trading: ({ alertId }) => TRADING.test(alertId) || RISK.test(alertId),
  risk: ({ alertId }) => RISK.test(alertId),
  infrastructure: ({ botId, alertId }) =>
    (botId === SELF_BOT_ID && !DEEDS.test(alertId) && !RISK.test(alertId)) ||
    (botId.startsWith('external-') && MACHINES.test(alertId)),
  'on-chain': ({ botId, alertId, chainId }) =>
    (botId === SELF_BOT_ID && DEEDS.test(alertId)) ||
    (botId !== SELF_BOT_ID && chainId > 0 && !RISK.test(alertId) && !TRADING.test(alertId)),
}

const has = (names: readonly string[] | undefined, value: string | null): boolean =>
  value !== null &&
  (names?.some((name) =>
    name.endsWith('*') ? value.startsWith(name.slice(0, -1)) : name === value,
  ) ??
    false)

const isTheirs = ({ match }: Team, facts: TeamFacts): boolean =>
  has(match?.owner, facts.owner) ||
  has(match?.bot, facts.botId) ||
  has(match?.alertId, facts.alertId) ||
  has(match?.thing, facts.thing) ||
  has(match?.protocol, facts.protocol)

/**
 * The teams that an alert is for, at least one. First those whose `match` names it; else the team called like its
 * owner; else, of teams without `match`, what their names stand for: on-chain, infrastructure, trading, risk; else
 * the fallback.
 */
export const teamsOf = (
  config: Pick<OnCallConfig, 'teams' | 'fallback'>,
  facts: TeamFacts,
): readonly string[] => {
  const teams = Object.entries(config.teams)
  const named = teams.filter(([, team]) => isTheirs(team, facts)).map(([name]) => name)
  if (named.length > 0) return named
  if (facts.owner !== null && Object.hasOwn(config.teams, facts.owner)) return [facts.owner]
  const meant = teams
    .filter(([name, team]) => !team.match && (usual[name]?.(facts) ?? false))
    .map(([name]) => name)
  if (meant.length > 0) return meant
  const last =
    config.fallback ?? (Object.hasOwn(config.teams, 'on-chain') ? 'on-chain' : teams[0]?.[0])
  return last === undefined ? [] : [last]
}
