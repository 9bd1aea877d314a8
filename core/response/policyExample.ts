/** A policy in which every field stands, with a comment each. A test parses it, and looks that none is left out. */
export const POLICY_EXAMPLE = `# yaml-language-server: $schema=../../docs/policy.schema.json
id: pause-vault # the folder is called so
version: 3
action: pause
parameters: {} # this action type wants none
approvedBy: [Ada, Grace]
approvedAt: 2030-01-01T00:00:00Z
expiresAt: 2030-07-01T00:00:00Z

# Exactly this call on exactly this code. Quote what begins with 0x: other readers of YAML take it for a number.
chain: 1
target: "0x5FbDB2315678afecb367f032d93F642f64180aa3"
codeHash: "0xabababababababababababababababababababababababababababababababab"
implementation: "0x00000000000000000000000000000000000a11ce"
calldata: "0x8456cb59" # pause()
value: 0
gasLimit: 200000
maxFeePerGasWei: 500 gwei # an attacker drives fees up
maxPriorityFeePerGasWei: 50 gwei
maxSpendWeiPer24h: 0.5 ether # 200000 gas at 500 gwei is 0.1 ether, for each of two senders

# Who may ask, how many must agree, and how fresh it must be.
triggers:
  - bot: tvl-drop
    alertIds: [TVL-DROP]
    minSeverity: Critical
    things: [vault]
  - bot: large-transfer
    minSeverity: High
quorum: { bots: 2, endpoints: 2 }
freshness: { blocks: 10, seconds: 180 }

# observe writes down, propose waits for two guardians, auto acts.
mode: propose
approval: { timeoutS: 3600, required: 2, roles: [guardian], onTimeout: drop }

# How often.
limits: { maxPerWindow: 1, windowS: 86400, maxLifetime: 10 }
cooldownS: 3600
exclusive: true
brake: { maxTargets: 5, windowS: 3600 }

# What must hold when it is played before it is signed.
simulation:
  mode: required
  onUnavailable: stop
  onRevert: stop
  providers: [eth_simulateV1, debug_traceCall]
  assertions:
    suspiciousReverts: required # the pause would have stopped what the finding saw
    canaries:
      - name: withdraw # nobody gets anything out
        from: "0x000000000000000000000000000000000000b0b0"
        to: "0x5FbDB2315678afecb367f032d93F642f64180aa3"
        data: "0x3ccfd60b"
        expect: reverts
    storage: # and nothing else changes
      - address: "0x5FbDB2315678afecb367f032d93F642f64180aa3"
        slots: ["0x0000000000000000000000000000000000000000000000000000000000000033"]

# How it reaches the chain: the relayer for 30 s, then the own key for what is left of 300 s.
postcondition: { deadlineS: 300, confirmations: 3 }
replaceAfterBlocks: 2
senders:
  - { name: relayer, deadlineS: 30 }
  - { name: local, deadlineS: 270 }
broadcast: { mode: private-then-public, afterBlocks: 1 }
pending: { answer: true, maxPriorityFeePerGasWei: 200 gwei }

# Who hears of it, and what they do.
channels: [pager]
runbook: runbook.md
`
