/** The approved policy that pauses the demo's vault, as its approvers would have written it. */
export const policyText = (values: {
  readonly id: string
  readonly chainId: number
  readonly target: string
  readonly implementation: string
  readonly codeHash: string
  readonly now: Date
}): string => {
  const instant = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
  const nowMs = values.now.getTime()
  return `# An approved response: pause the demo's vault. The signer pins the hash of this content; whoever changes a value
# approves it anew.
id: ${values.id}
version: 1
action: pause
approvedBy: ["demo: Safe owner A", "demo: Safe owner B"]
approvedAt: ${instant(nowMs - 60_000)}
expiresAt: ${instant(nowMs + 90 * 86_400_000)}

# Exactly this call on exactly this code. After an upgrade the approval no longer holds.
chain: ${values.chainId}
target: "${values.target}"
codeHash: "${values.codeHash}"
implementation: "${values.implementation}"
calldata: "0x8456cb59" # pause()
value: 0

# Sized for a crisis: an attacker drives fees up. Never paid more, replacements included.
gasLimit: 200000
maxFeePerGasWei: 500 gwei
maxPriorityFeePerGasWei: 50 gwei
maxSpendWeiPer24h: 0.5 ether

# Only this may ask for it.
triggers:
  - bot: tvl-drop
    minSeverity: Critical
    things: [demo-vault]
quorum: { bots: 1, endpoints: 1 } # so many different bots, and so many of the signer's endpoints
freshness: { blocks: 10, seconds: 60 }
mode: auto # observe: write down what would be done. propose: wait for a person. auto: do it.
approval: { timeoutS: 3600 }
limits: { maxPerWindow: 1, windowS: 86400, maxLifetime: 3 }
cooldownS: 3600
exclusive: true # not while another policy acts on the same target
brake: { maxTargets: 3, windowS: 3600 } # more at once looks like a fault of the watcher
simulation: { mode: best-effort, onUnavailable: proceed, onRevert: stop }
postcondition: { deadlineS: 60, confirmations: 2 }
replaceAfterBlocks: 2
runbook: runbook.md
`
}
