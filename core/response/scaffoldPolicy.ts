import { getAddress } from 'viem/utils'
import { type Address, TocsinError } from '../base/index.ts'
import { readCodeHash, readImplementation } from './readTarget.ts'
import type { SignerRpc } from './signerRpc.ts'
import type { ActionDefinition } from './types.ts'

const ZERO = /^0x0{40}$/

export type ScaffoldPolicyOptions = {
  readonly rpc: SignerRpc
  readonly action: ActionDefinition
  readonly id: string
  readonly target: Address
  /** Of the action type. Default: none. */
  readonly parameters?: Readonly<Record<string, unknown>>
  readonly approvedBy: string
  /** Bots that may trigger it. */
  readonly bots: readonly string[]
  readonly thing?: string
  readonly now?: Date
  /** Default: observe. */
  readonly mode?: 'observe' | 'propose' | 'auto'
}

/**
 * Text of a policy file, filled with code hash, implementation and calldata as the chain has them now. The limits are
 * a proposal for the approvers to read and change.
 * @throws TocsinError `policy.no_code` when there is no code at the target.
 */
export const scaffoldPolicy = async (options: ScaffoldPolicyOptions): Promise<string> => {
  const { rpc, action, target } = options
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
approvedBy: [${JSON.stringify(options.approvedBy)}]
approvedAt: ${instant(now)}
expiresAt: ${instant(expires)}

chain: ${rpc.chainId}
target: "${getAddress(target)}"
codeHash: "${codeHash}"
${ZERO.test(implementation) ? '' : `implementation: "${getAddress(implementation)}"\n`}calldata: "${action.encode({ target, chain: rpc.chainId, parameters: options.parameters ?? {} })}"
value: 0
gasLimit: 200000
# Sized for a crisis: an attacker drives fees up. Never paid more, replacements included.
maxFeePerGasWei: 500 gwei
maxPriorityFeePerGasWei: 50 gwei
maxSpendWeiPer24h: 0.5 ether

triggers:
${triggers.join('\n')}
freshness: { blocks: 10, seconds: 180 }
# observe: write down what would be done. propose: wait for \`tocsin actions approve\`. auto: do it.
mode: ${options.mode ?? 'observe'}
approval: { timeoutS: 3600 }
limits: { maxPerWindow: 1, windowS: 86400, maxLifetime: 10 }
cooldownS: 3600
simulation: { mode: best-effort, onUnavailable: proceed, onRevert: stop }
postcondition: { deadlineS: 300, confirmations: 3 }
replaceAfterBlocks: 2
runbook: runbook.md
`
}
