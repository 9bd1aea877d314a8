import type { Address, FindingSeverity, Hex } from '../base/index.ts'

/** Which finding may ask for an action. Every field given must fit. */
export type PolicyTrigger = {
  readonly bot: string
  /** Any of the bot's alerts when left out. */
  readonly alertIds?: readonly string[] | undefined
  readonly minSeverity: FindingSeverity
  /** Names of watched things; any when left out. */
  readonly things?: readonly string[] | undefined
}

export type ExecutionMode = 'observe' | 'propose' | 'auto'

/** One approved action: the content of a policy file, and nothing that a detector could add to. */
export type Policy = {
  /** Kebab-case; the name of its file or folder. */
  readonly id: string
  readonly version: number
  /** Id of the action type that knows how to build and check it, e.g. `pause`. */
  readonly action: string
  readonly approvedBy: readonly string[]
  /** ISO 8601. */
  readonly approvedAt: string
  /** ISO 8601; refused from this instant on. */
  readonly expiresAt: string
  /** Chain id. */
  readonly chain: number
  readonly target: Address
  /** keccak-256 of the code at `target`. */
  readonly codeHash: Hex
  /** Expected address in the EIP-1967 implementation slot, for a proxy. */
  readonly implementation?: Address | undefined
  readonly calldata: Hex
  readonly value: 0n
  readonly gasLimit: bigint
  readonly maxFeePerGasWei: bigint
  readonly maxPriorityFeePerGasWei: bigint
  readonly maxSpendWeiPer24h: bigint
  readonly triggers: readonly PolicyTrigger[]
  /** How old the finding may be when the signer decides: blocks by its own head, seconds by block time. */
  readonly freshness: { readonly blocks: number; readonly seconds: number }
  readonly mode: ExecutionMode
  /** How long a proposal waits for a person. */
  readonly approval: { readonly timeoutS: number }
  readonly limits: {
    readonly maxPerWindow: number
    readonly windowS: number
    readonly maxLifetime: number
  }
  /** Block seconds after one execution in which the same action is not asked for again. */
  readonly cooldownS: number
  readonly simulation: {
    readonly mode: 'required' | 'best-effort'
    readonly onUnavailable: 'proceed' | 'stop'
    readonly onRevert: 'stop'
  }
  readonly postcondition: {
    /** From the first signed transaction to the effect. */
    readonly deadlineS: number
    /** Blocks that the effect must stand before the signer stops minding reorgs. */
    readonly confirmations: number
  }
  /** A transaction not mined after so many blocks is replaced at a higher fee. */
  readonly replaceAfterBlocks: number
  readonly runbook: string
}

/** A policy as read from its file. */
export type LoadedPolicy = Policy & {
  /** SHA-256 over the canonical content: comments and layout do not count, every value does. */
  readonly hash: string
  /** Path of the file. */
  readonly file: string
}

export type ProbeResult = {
  /** Short name, e.g. `role`. */
  readonly name: string
  readonly ok: boolean
  /** One sentence for a person. */
  readonly message: string
}

/** Reads that a readiness probe may make; all at the latest block of the signer's own endpoint. */
export type ProbeContext = {
  readonly policy: Policy
  readonly signer: Address
  /** A call that reverts is `ok: false` with the revert data. */
  readonly call: (to: Address, data: Hex) => Promise<{ readonly ok: boolean; readonly data: Hex }>
}

/** A kind of response: how it is built from a policy, and how its effect is seen. It only ever raises a guard. */
export type ActionDefinition = {
  /** Kebab-case, stable for ever. */
  readonly id: string
  /** One sentence. */
  readonly summary: string
  /** The only selectors that a policy of this kind may call; none may lower a guard. */
  readonly selectors: readonly Hex[]
  /** The exact calldata, from the policy and nothing else. A policy whose calldata differs is refused. */
  readonly encode: (policy: Pick<Policy, 'target' | 'chain'>) => Hex
  /** Read on chain: the only proof of success. */
  readonly postcondition: {
    readonly description: string
    readonly call: (policy: Pick<Policy, 'target'>) => { readonly to: Address; readonly data: Hex }
    readonly holds: (returnData: Hex) => boolean
  }
  /** True for revert data which says that the effect already stands. */
  readonly isAlreadyEffective: (revertData: Hex) => boolean
  /** Whether the signer could do it now: roles and rights. The framework adds code, balance, expiry and a dry run. */
  readonly probe: (context: ProbeContext) => Promise<readonly ProbeResult[]>
}
