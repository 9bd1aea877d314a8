import { z } from 'zod'

/** What the API shows, one schema for each kind of thing; the documentation is made from them. */

const at = z.iso.datetime()
const when = at.nullable()
const words = z.string().nullable()
const sev = z.enum(['SEV1', 'SEV2', 'SEV3', 'SEV4'])
const figure = z.number().nullable()
const anything = z.unknown()

export const incidentView = z.strictObject({
  id: z.string(),
  subject: z.string().describe('What is hit: the protocol, else the thing'),
  status: z.enum(['open', 'resolved']),
  severity: sev,
  title: z.string(),
  owner: words,
  openedAt: at,
  updatedAt: at,
  closedAt: when,
  acknowledgedAt: when,
  acknowledgedBy: words,
  firstAcknowledgedAt: when,
  mitigatedAt: when,
  mitigatedBy: words,
  closedBy: words,
  acknowledgeDueAt: when,
  mitigateDueAt: when,
  inhibitedBy: words.describe('Incident upstream that explains this one'),
})

export const incidentEventView = z.strictObject({
  seq: z.int(),
  incidentId: z.string(),
  alertId: words,
  at,
  kind: z.string(),
  actor: words,
  channel: words,
  text: z.string(),
  detail: anything,
})

export const alertView = z.strictObject({
  id: z.string(),
  kind: z.enum(['event', 'condition']),
  status: z.enum(['open', 'unknown', 'resolved', 'retracted']),
  severity: sev,
  title: z.string(),
  summary: z.string(),
  botId: z.string(),
  alertId: z.string(),
  chainId: z.int(),
  thing: words,
  owner: words,
  protocol: words,
  runbook: words,
  incidentId: words,
  findings: z.int(),
  firstBlock: z.int(),
  lastBlock: z.int(),
  openedAt: at,
  updatedAt: at,
  closedAt: when,
  closedBy: words,
  acknowledgedAt: when,
  acknowledgedBy: words,
})

export const findingView = z.strictObject({
  id: z.string(),
  seq: z.int(),
  botId: z.string(),
  alertId: z.string(),
  alertKind: z.enum(['event', 'condition']),
  condition: words,
  chainId: z.int(),
  blockNumber: z.int(),
  blockHash: z.string(),
  blockTimestampS: z.int(),
  txHash: words,
  name: z.string(),
  description: z.string(),
  severity: z.enum(['Critical', 'High', 'Medium', 'Low', 'Info', 'Unknown']),
  type: z.string(),
  thing: words,
  owner: words,
  protocol: words,
  metadata: z.record(z.string(), z.string()),
  addresses: z.array(z.string()),
  labels: anything,
  status: z.enum(['provisional', 'final', 'retracted', 'pending', 'landed', 'dropped']),
  latencyMs: figure,
  createdAt: at,
  finalizedAt: when,
  retractedAt: when,
})

export const executionView = z.strictObject({
  id: z.string(),
  actionId: z.string(),
  policyHash: words,
  mode: words,
  chainId: z.int(),
  findingId: z.string(),
  thing: words,
  status: z.string(),
  reason: words,
  reasonCode: words,
  target: words,
  calldata: words,
  simulation: anything,
  txHashes: z.array(z.string()),
  minedTxHash: words,
  minedBlock: figure,
  requestedAt: at,
  broadcastAt: when,
  minedAt: when,
  confirmedAt: when,
  updatedAt: at,
  approvedBy: anything,
})

export const decisionView = z.strictObject({
  seq: z.int(),
  executionId: z.string(),
  at,
  event: z.string(),
  detail: anything,
  previousHash: z.string(),
  hash: z.string(),
})

export const deedView = z.strictObject({
  seq: z.int(),
  at,
  who: z.string(),
  via: z.enum(['session', 'token', 'local', 'cli', 'none']),
  act: z.string(),
  subject: z.string(),
  origin: z.string(),
  result: z.enum(['done', 'refused', 'failed']),
  detail: anything,
})

export const botView = z.strictObject({
  chainId: z.int(),
  botId: z.string(),
  status: z.enum(['ok', 'failing', 'disabled']),
  blocksFailed: z.int(),
  lastError: words,
  lastErrorBlock: figure,
  findings: z.int(),
  updatedAt: at,
  quarantine: words.describe('Why it is not run any more'),
})

export const thingView = z.strictObject({
  name: z.string(),
  kind: z.string(),
  chain: z.string(),
  address: z.string(),
  owner: words,
  protocol: words,
})

export const silenceView = z.strictObject({
  id: z.string(),
  matchers: z.record(z.string(), z.array(z.string())),
  reason: z.string(),
  createdBy: z.string(),
  createdAt: at,
  approvedBy: words,
  approvedAt: when,
  startsAt: at,
  endsAt: at,
  endedAt: when,
  endedBy: words,
})

const duty = z
  .strictObject({ person: z.string(), since: at, until: at, isOverride: z.boolean() })
  .nullable()

export const onCallView = z.strictObject({
  team: z.string(),
  primary: duty,
  secondary: duty,
  lead: z.array(z.string()),
})

export const statusView = z.strictObject({
  at,
  verdict: z.enum(['ok', 'degraded', 'alert']),
  reasons: z.array(z.string()),
  openAlerts: z.strictObject({
    SEV1: z.int(),
    SEV2: z.int(),
    SEV3: z.int(),
    SEV4: z.int(),
  }),
  processes: z.array(
    z.strictObject({ name: z.string(), state: z.string(), reason: z.string(), heartbeatAt: when }),
  ),
  chains: z.array(
    z.strictObject({
      name: z.string(),
      chainId: z.int(),
      state: z.string(),
      block: figure,
      lag: figure,
    }),
  ),
  halted: z.boolean().describe('Whether all automatic action is stopped'),
})

export const principalView = z.strictObject({
  name: z.string(),
  role: z.enum(['viewer', 'responder', 'approver', 'admin']),
  via: z.enum(['session', 'token', 'local']),
  scopes: z.array(z.string()),
  approver: words,
  verifiedAt: when,
  csrf: z.string().describe('What a page sends as `x-csrf-token`; empty for a token'),
})

export const userView = z.strictObject({
  name: z.string(),
  role: z.enum(['viewer', 'responder', 'approver', 'admin']),
  approver: words,
  createdAt: at,
  changedAt: at,
  disabledAt: when,
  hasFactor: z.boolean().describe('Whether signing in needs a code as well'),
  isProven: z.boolean().describe('False for a row that this installation did not write'),
})

export const tokenView = z.strictObject({
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.string()),
  perMinute: z.int(),
  createdBy: z.string(),
  createdAt: at,
  expiresAt: at,
  lastUsedAt: when,
  revokedAt: when,
})

/** What came of an act upon an incident. */
export const actView = z.strictObject({
  accepted: z.boolean().describe('False: nothing changed, and `text` says why'),
  text: z.string(),
  incident: incidentView,
})

export const problemView = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string().describe('Stable: branch on it'),
  detail: z.string(),
  hints: z.array(z.string()).optional(),
})

export const haltView = z.strictObject({
  isHalted: z.boolean(),
  stop: z
    .strictObject({
      id: words.describe(
        'Null when only the file at the machine stops: then only the machine ends it',
      ),
      at: when,
      who: words,
      reason: words,
    })
    .nullable(),
  agreed: z.array(z.string()).describe('Approvers whose agreement is proven'),
  needed: z.int().describe('How many people the policies ask for'),
  canResume: z.boolean().describe('Whether people may agree here: there are `signer.approvers`'),
})
