import { getAddress } from 'viem/utils'
import { z } from 'zod'
import { type Address, TocsinError } from '../base/index.ts'
import { readCodeHash, readImplementation } from './readTarget.ts'
import type { SignerRpc } from './signerRpc.ts'
import type { ActionDefinition, PolicyFacts } from './types.ts'

const ZERO = /^0x0{40}$/

export type ScaffoldPolicyOptions = {
  readonly rpc: SignerRpc
  readonly action: ActionDefinition
  readonly id: string
  readonly target: Address
  /** Of the action type. Default: none. */
  readonly parameters?: Readonly<Record<string, unknown>>
  readonly approvedBy: readonly string[]
  /** Bots that may trigger it. */
  readonly bots: readonly string[]
  readonly thing?: string
  readonly now?: Date
  /** Default: observe. */
  readonly mode?: 'observe' | 'propose' | 'auto'
}

/** @throws TocsinError `policy.parameters` with one hint per fault. */
const checkParameters = (
  action: ActionDefinition,
  parameters: Readonly<Record<string, unknown>>,
): void => {
  const checked = (action.parameters ?? z.strictObject({})).safeParse(parameters)
  if (checked.success) return
  const hints = checked.error.issues.map(({ path, message }) =>
    [path.map(String).join('.'), message].filter(Boolean).join(': '),
  )
  throw new TocsinError(
    'policy.parameters',
    `The parameters are not those of the action "${action.id}".`,
    { exitCode: 2, hints },
  )
}

/** Enough for a call that changes one guard, and for one that changes as many as its effect is read from. */
const gasLimitOf = (action: ActionDefinition, facts: PolicyFacts): number =>
  140_000 + 60_000 * action.postcondition.calls(facts).length

/** What most begin without, ready to be uncommented. */
const assertionsText = (
  target: Address,
): string => `  # Who plays it beforehand, in this order, and what must hold beside the effect (docs/drills.md).
  # providers: [eth_simulateV1, debug_traceCall, eth_call]
  # assertions:
  #   suspiciousReverts: report # the finding's own call, replayed afterwards: required, report, off
  #   canaries: # calls of ordinary users, and how they must end afterwards; name an account that can make them now
  #     - { name: withdraw, from: "0x000000000000000000000000000000000000dEaD", to: "${target}", data: "0x3ccfd60b", expect: reverts }
  #   storage: # the only storage that may change; without slots: any slot of the address
  #     - { address: "${target}" }
`

const sendersText = `# Who sends it, in order, by the names under \`signer.senders\`; each takes over when the one before is late. Together
# those before the last must stay below postcondition.deadlineS (docs/senders.md).
# senders:
#   - { name: relayer, deadlineS: 30 }
#   - { name: local, deadlineS: 270 }
`

const wayText = `# Where the signer's own bytes go: public, private, both, private-then-public. All but public need \`signer.privateRpc\`.
# broadcast: { mode: private-then-public, afterBlocks: 1 }
# Whether it answers a transaction that is not mined yet, and up to which tip it outbids it (docs/pending.md).
# pending: { answer: true, maxPriorityFeePerGasWei: 200 gwei }
`

/**
 * Text of a policy file, filled with code hash, implementation and calldata as the chain has them now. The limits are
 * a proposal for the approvers to read and change.
 * @throws TocsinError `policy.no_code` when there is no code at the target, `policy.parameters`.
 */
export const scaffoldPolicy = async (options: ScaffoldPolicyOptions): Promise<string> => {
  const { rpc, action, target, parameters = {} } = options
  checkParameters(action, parameters)
  const facts = { target, chain: rpc.chainId, parameters }
  const isIrreversible = action.isIrreversible?.(facts) === true
  const [codeHash, implementation] = await Promise.all([
    readCodeHash(rpc, target),
    readImplementation(rpc, target),
  ])
  if (codeHash === undefined)
    throw new TocsinError(
      'policy.no_code',
      `There is no code at ${target} on chain ${rpc.chainId}.`,
      { exitCode: 3 },
    )
  const now = options.now ?? new Date()
  const expires = new Date(now.getTime() + 180 * 86_400_000)
  const instant = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, 'Z')
  const triggers = options.bots.map((bot) =>
    [
      `  - bot: ${bot}`,
      '    minSeverity: Critical',
      ...(options.thing ? [`    things: [${options.thing}]`] : []),
    ].join('\n'),
  )
  return `# An approved response. Whoever changes a value approves it anew: the signer pins the hash of this content.
id: ${options.id}
version: 1
action: ${action.id}
${Object.keys(parameters).length === 0 ? '' : `parameters: ${JSON.stringify(parameters)}\n`}approvedBy: ${JSON.stringify(options.approvedBy)}
approvedAt: ${instant(now)}
expiresAt: ${instant(expires)}

chain: ${rpc.chainId}
target: "${getAddress(target)}"
codeHash: "${codeHash}"
${ZERO.test(implementation) ? '' : `implementation: "${getAddress(implementation)}"\n`}calldata: "${action.encode(facts)}"
value: 0
gasLimit: ${gasLimitOf(action, facts)}
# Sized for a crisis: an attacker drives fees up. Never paid more, replacements included.
maxFeePerGasWei: 500 gwei
maxPriorityFeePerGasWei: 50 gwei
maxSpendWeiPer24h: 0.5 ether

triggers:
${triggers.join('\n')}
# How many different bots must have found it, and how many of the signer's endpoints must have its block.
quorum: { bots: 1, endpoints: 1 }
freshness: { blocks: 10, seconds: 180 }
# observe: write down what would be done. propose: wait for \`tocsin actions approve\`. auto: do it.
mode: ${options.mode ?? 'observe'}
approval: { timeoutS: 3600${isIrreversible ? ', required: 2' : ''} }
limits: { maxPerWindow: 1, windowS: 86400, maxLifetime: 10 }
cooldownS: 3600
# Whether an answer of another policy on this target excludes this one; on how many targets of the chain one may act.
exclusive: true
brake: { maxTargets: 5, windowS: 3600 }
simulation:
  mode: best-effort
  onUnavailable: proceed
  onRevert: stop
${assertionsText(getAddress(target))}# How long the effect may take in all, and how many blocks it must stand.
postcondition: { deadlineS: 300, confirmations: 3 }
replaceAfterBlocks: 2
${action.isIdempotent ? sendersText : ''}${wayText}# What people do when it fired or failed; the path is taken from the folder of this file.
runbook: runbook.md
`
}
