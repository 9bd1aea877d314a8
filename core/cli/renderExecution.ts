import { cleanText, type Hex, type Json } from '../base/index.ts'
import {
  describeCall,
  describeSimulation,
  type LoadedPolicy,
  loadActions,
} from '../response/index.ts'
import type { tables } from '../store/index.ts'

type ExecutionRow = typeof tables.execution.$inferSelect
type FindingRow = typeof tables.finding.$inferSelect
type LogEntry = { readonly at: Date; readonly event: string; readonly detail: Json }

const MAX_DETAIL = 300

/** The call in words, as those who approve read it; its bytes where the action type does not tell. */
export const renderCall = async (
  policy: LoadedPolicy,
  calldata = policy.calldata,
): Promise<string> => {
  const action = (await loadActions()).find(({ id }) => id === policy.action)
  return describeCall(action, { ...policy, calldata }) ?? calldata
}

const renderWay = (row: ExecutionRow): string =>
  [
    ['asked', row.requestedAt],
    ['proposed', row.proposedAt],
    ['signed', row.sendingAt],
    ['broadcast', row.broadcastAt],
    ['effect', row.minedAt],
    ['confirmed', row.confirmedAt],
    ['final', row.finalAt],
  ]
    .flatMap(([what, at]) => (at instanceof Date ? [`${String(what)} ${at.toISOString()}`] : []))
    .join(', ')

const renderFinding = (finding: FindingRow | null): string =>
  finding
    ? cleanText(
        `${finding.name} (${finding.botId}/${finding.alertId}, ${finding.severity}, block ${finding.blockNumber}${finding.txHash ? `, ${finding.txHash}` : ''}): ${finding.description}`,
        800,
      )
    : 'a finding that does not exist'

/** The simulation stands above in words. */
const renderDetail = (detail: Json): string => {
  if (detail === null || typeof detail !== 'object' || Array.isArray(detail))
    return JSON.stringify(detail)
  const { simulation: _, ...rest } = detail
  return JSON.stringify(rest).slice(0, MAX_DETAIL)
}

/** An execution for people: what it calls and why, how far it came, who decided what. */
export const renderExecution = async (
  row: ExecutionRow,
  finding: FindingRow | null,
  log: readonly LogEntry[],
  policy: LoadedPolicy | undefined,
): Promise<readonly string[]> => {
  const call = policy
    ? await renderCall(policy, (row.calldata as Hex | null) ?? undefined)
    : (row.calldata ?? 'unknown')
  const facts: readonly (readonly [string, string | null])[] = [
    ['calls', `${call} of ${row.target ?? policy?.target ?? 'unknown'} on chain ${row.chainId}`],
    ['mode', row.mode],
    ['asked by', renderFinding(finding)],
    ['simulated', describeSimulation(row.simulation)],
    ['approved by', row.approvedBy],
    ['way', renderWay(row)],
    ['sent as', row.txHashes.length > 0 ? row.txHashes.join(', ') : null],
    ['mined', row.minedTxHash && `${row.minedTxHash} in block ${row.minedBlock}`],
    ['signer', row.signerAddress && `${row.signerAddress}, nonce ${row.nonce}`],
    ['fee', row.feeWei && `${row.feeWei} wei`],
    ['policy', row.policyHash],
  ]
  const why = row.reason ? `: ${row.reason}${row.reasonCode ? ` (${row.reasonCode})` : ''}` : ''
  return [
    `${row.id}  ${row.actionId}  ${row.status}${cleanText(why, 500)}`,
    ...facts.flatMap(([name, value]) => (value ? [`  ${name.padEnd(12)} ${value}`] : [])),
    'decisions',
    ...log.map(
      ({ at, event, detail }) =>
        `  ${at.toISOString()}  ${event.padEnd(10)} ${renderDetail(detail)}`,
    ),
  ]
}
