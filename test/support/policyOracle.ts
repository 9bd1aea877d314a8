import { parseTransaction, type TransactionSerializedEIP1559 } from 'viem'
import type { LoadedPolicy } from '../../core/response/types.ts'
import { CHAIN, type Claimed, type FindingRow, type PolicyWorld } from './policyWorld.ts'

const RANK = ['Info', 'Low', 'Medium', 'High', 'Critical']

/** The signer sees the chain by whichever endpoint answers first. */
const headOf = (world: PolicyWorld): number => world.head - (world.lag[0] ?? 0)

/** Written anew, in the plainest way, and sharing nothing with what it judges. */
const mayVote = (policy: LoadedPolicy, finding: FindingRow): boolean =>
  finding.chainId === CHAIN &&
  (finding.status === 'provisional' || finding.status === 'final') &&
  finding.condition !== 'ended' &&
  finding.condition !== 'unknown' &&
  policy.triggers.some(
    ({ bot, minSeverity, things }) =>
      bot === finding.botId &&
      RANK.indexOf(finding.severity) >= RANK.indexOf(minSeverity) &&
      (things === undefined || things.some((thing) => thing === finding.thing)),
  )

/** A voice from outside names the block by its hash; of the time it may say what it likes. */
const isTold = ({ botId }: FindingRow): boolean => botId.startsWith('external')

const endpointsWith = (world: PolicyWorld, finding: FindingRow): number =>
  world.lag.filter(
    (lag) =>
      finding.blockNumber <= world.head - lag &&
      finding.blockHash === world.hashOf(finding.blockNumber) &&
      (isTold(finding) || finding.blockTimestampS === world.timeOf(finding.blockNumber)),
  ).length

const isSame = (policy: LoadedPolicy, a: FindingRow, b: FindingRow): boolean =>
  (a.thing !== null && a.thing === b.thing) ||
  b.addresses.some((each) => a.addresses.includes(each) || each === policy.target)

export type Verdict = {
  readonly world: PolicyWorld
  readonly claim: Claimed
  /** Claims before this one. */
  readonly before: readonly Claimed[]
  readonly finding: FindingRow
  readonly findings: readonly FindingRow[]
  readonly isProposal: boolean
  readonly nowMs: number
}

const judgeEvidence = (verdict: Verdict, fault: (text: string) => void): void => {
  const { world, claim, finding, findings, isProposal, nowMs } = verdict
  const { policy } = claim
  if (!mayVote(policy, finding)) fault('the finding may not trigger it')
  if (endpointsWith(world, finding) < policy.quorum.endpoints) fault('too few endpoints')
  const { blocks, seconds } = policy.freshness
  if (!isProposal) {
    if (headOf(world) - finding.blockNumber > blocks) fault('stale in blocks')
    if (nowMs / 1000 - finding.blockTimestampS > seconds) fault('stale in seconds')
  }
  const at = isProposal
    ? { block: finding.blockNumber, s: finding.blockTimestampS }
    : { block: headOf(world), s: nowMs / 1000 }
  const voters = findings.filter(
    (each) =>
      each.id === finding.id ||
      (mayVote(policy, each) &&
        isSame(policy, finding, each) &&
        endpointsWith(world, each) >= policy.quorum.endpoints &&
        each.blockNumber >= at.block - blocks &&
        each.blockTimestampS >= Math.floor(at.s - seconds)),
  )
  const bots = new Set(voters.map(({ botId }) => botId))
  const told = [...bots].filter((botId) => botId.startsWith('external')).length
  const voices = bots.size - told + Math.min(1, told)
  if (voices < policy.quorum.bots) fault(`quorum: ${voices} of ${policy.quorum.bots}`)
  if ([...bots].every((bot) => bot.startsWith('external'))) fault('only told from outside')
}

const judgePeople = (
  { world, claim, isProposal, nowMs }: Verdict,
  fault: (text: string) => void,
) => {
  const { policy } = claim
  if (policy.mode === 'auto' && !isProposal) return
  if (policy.mode === 'observe') fault('mode observe')
  if (!isProposal) fault('no proposal')
  const answers = world.approvals.get(claim.execution)
  const waitedMs = nowMs - (world.proposedAtMs.get(claim.execution) ?? nowMs)
  const isLate = waitedMs > policy.approval.timeoutS * 1000
  if ((answers?.deniedBy.length ?? 0) > 0) fault('denied')
  if (isLate && policy.approval.onTimeout === 'drop') fault('approved too late')
  if (!isLate && (answers?.approvedBy.length ?? 0) < policy.approval.required) fault('approvals')
}

const judgeLimits = ({ claim, before, nowMs }: Verdict, fault: (text: string) => void): void => {
  const { policy, triggeredAtS, costWei } = claim
  const own = before.filter((each) => each.policy.id === policy.id)
  const within = (list: readonly Claimed[], seconds: number): readonly Claimed[] =>
    list.filter(({ atMs }) => nowMs - atMs < seconds * 1000)
  if (within(own, policy.limits.windowS).length >= policy.limits.maxPerWindow) fault('window')
  if (own.length >= policy.limits.maxLifetime) fault('lifetime')
  if (own.some((each) => triggeredAtS - each.triggeredAtS < policy.cooldownS)) fault('cooldown')
  const spent = within(own, 86_400).reduce(
    (sum, each) => sum + (each.mined ? each.costWei / 2n : each.costWei),
    costWei,
  )
  if (spent > policy.maxSpendWeiPer24h) fault('spending')
  const rival = before.find(
    (each) =>
      each.policy.id !== policy.id &&
      each.policy.target === policy.target &&
      triggeredAtS - each.triggeredAtS < each.policy.cooldownS,
  )
  if (policy.exclusive && rival) fault('exclusion')
  const targets = new Set(within(before, policy.brake.windowS).map((each) => each.policy.target))
  if (targets.add(policy.target).size > policy.brake.maxTargets) fault('brake')
}

const judgeBytes = ({ claim }: Verdict, fault: (text: string) => void): void => {
  const { policy, raw } = claim
  const tx = parseTransaction(raw as TransactionSerializedEIP1559)
  const isRight =
    tx.to === policy.target &&
    tx.data === policy.calldata &&
    (tx.value ?? 0n) === 0n &&
    tx.gas === policy.gasLimit &&
    tx.chainId === CHAIN &&
    (tx.maxFeePerGas ?? 0n) <= policy.maxFeePerGasWei &&
    (tx.maxPriorityFeePerGas ?? 0n) <= policy.maxPriorityFeePerGasWei
  if (!isRight) fault('other bytes than approved')
}

/** Everything that is wrong with an execution that was signed; empty when it was allowed. */
export const listViolations = (verdict: Verdict): readonly string[] => {
  const faults: string[] = []
  const fault = (text: string): void => void faults.push(text)
  const { world, claim, nowMs } = verdict
  if (world.isHalted) fault('halted')
  if ((claim.policy.signedBy?.length ?? 0) < world.signaturesRequired) fault('unsigned')
  if (nowMs >= Date.parse(claim.policy.expiresAt)) fault('expired')
  if (nowMs < Date.parse(claim.policy.approvedAt)) fault('not yet approved')
  judgeEvidence(verdict, fault)
  judgePeople(verdict, fault)
  judgeLimits(verdict, fault)
  judgeBytes(verdict, fault)
  return faults
}
