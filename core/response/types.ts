import type { z } from 'zod'
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

/** One step of the way to the chain. When its deadline passes without the effect, the next sender takes over. */
export type SenderStep = {
  /** `local`, or a name under `signer.senders` of the watchlist. */
  readonly name: string
  readonly deadlineS: number
}

/** Where the same signed bytes go: to the endpoints of `signer.rpc` (public), of `signer.privateRpc`, or to both. */
export type Broadcast = {
  readonly mode: 'public' | 'private' | 'both' | 'private-then-public'
  /** Of `private-then-public`: blocks without the transaction before it goes to the public endpoints too. */
  readonly afterBlocks: number
}

/** A call that the simulation makes after the action, and how it must end. */
export type Canary = {
  readonly name: string
  readonly from: Address
  readonly to: Address
  readonly data: Hex
  readonly expect: 'succeeds' | 'reverts'
}

/** What must hold in the simulation beside the post-condition. */
export type SimulationAssertions = {
  /** The call of the finding's transaction, replayed after the action, reverts. */
  readonly suspiciousReverts: 'required' | 'report' | 'off'
  readonly canaries: readonly Canary[]
  /** When given, the only storage that may change: any slot of an address, or the slots listed. */
  readonly storage?:
    | readonly { readonly address: Address; readonly slots?: readonly Hex[] | undefined }[]
    | undefined
}

export type SimulationProvider = 'eth_simulateV1' | 'debug_traceCall' | 'eth_call' | 'tenderly'

/** One approved action: the content of a policy file, and nothing that a detector could add to. */
export type Policy = {
  /** Kebab-case; the name of its file or folder. */
  readonly id: string
  readonly version: number
  /** Id of the action type that knows how to build and check it, e.g. `pause`. */
  readonly action: string
  /** What the action type wants to know beside the target; checked by its `parameters`. */
  readonly parameters: Readonly<Record<string, unknown>>
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
  /** How many different bots must have found it, and how many of the signer's endpoints must have the block. */
  readonly quorum: { readonly bots: number; readonly endpoints: number }
  /** How old the finding may be when the signer decides: blocks by its own head, seconds by block time. */
  readonly freshness: { readonly blocks: number; readonly seconds: number }
  readonly mode: ExecutionMode
  /** How long a proposal waits for people, for how many of them, and what happens when they do not come. */
  readonly approval: {
    readonly timeoutS: number
    readonly required: number
    /** Roles of `signer.approvers` that may approve; any when empty. */
    readonly roles: readonly string[]
    readonly onTimeout: 'drop' | 'execute'
  }
  readonly limits: {
    readonly maxPerWindow: number
    readonly windowS: number
    readonly maxLifetime: number
  }
  /** Block seconds after one execution in which the same action is not asked for again. */
  readonly cooldownS: number
  /** Whether an execution of another policy on the same target, in flight or within its cooldown, excludes this one. */
  readonly exclusive: boolean
  /** Different targets, over all policies of the chain, that may be acted on within the window. */
  readonly brake: { readonly maxTargets: number; readonly windowS: number }
  readonly simulation: {
    /** In the order they are asked. */
    readonly providers: readonly SimulationProvider[]
    readonly assertions: SimulationAssertions
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
  readonly senders: readonly SenderStep[]
  readonly broadcast: Broadcast
  /** Whether a finding of a transaction that is not mined yet may trigger it, and what tip may outbid the attack. */
  readonly pending: {
    readonly answer: boolean
    readonly maxPriorityFeePerGasWei?: bigint | undefined
  }
  /** Channels that hear of it beside those that the routes name. */
  readonly channels: readonly string[]
  readonly runbook: string
}

/** A policy as read from its file. */
export type LoadedPolicy = Policy & {
  /** SHA-256 over the canonical content: comments and layout do not count, every value does. */
  readonly hash: string
  /** Path of the file. */
  readonly file: string
  /** Approvers whose detached signatures hold; left out where nobody looked. */
  readonly signedBy?: readonly string[] | undefined
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

/** What of a policy an action type builds from. */
export type PolicyFacts = Pick<Policy, 'target' | 'chain' | 'parameters'>

/** A kind of response: how it is built from a policy, and how its effect is seen. It only ever raises a guard. */
export type ActionDefinition = {
  /** Kebab-case, stable for ever. */
  readonly id: string
  /** One sentence. */
  readonly summary: string
  /**
   * The only selectors that a policy of this kind may call; none may lower a guard. `any`: whatever is not known to
   * lower one.
   */
  readonly selectors: readonly Hex[] | 'any'
  /** Shape of the policy's `parameters`. Default: there are none. */
  readonly parameters?: z.ZodType<Readonly<Record<string, unknown>>> | undefined
  /** The functions that its calldata calls, as Solidity declares them: people are shown the call in these words. */
  readonly functions?: ((policy: PolicyFacts) => readonly string[]) | undefined
  /** The exact calldata, from the policy and nothing else. A policy whose calldata differs is refused. */
  readonly encode: (policy: PolicyFacts) => Hex
  /**
   * For guards of which one call sets several flags: the calldata that raises the policy's flags and keeps those that
   * stand raised. `accepts` says of any calldata whether it raises at least what the policy raises and lowers nothing:
   * the signer signs no other. Undefined when what stands cannot be read: then nothing is sent. Default: the policy's
   * calldata.
   */
  readonly adapt?:
    | {
        readonly prepare: (context: ProbeContext) => Promise<Hex | undefined>
        readonly accepts: (policy: PolicyFacts, calldata: Hex) => boolean
      }
    | undefined
  /** Whether people can undo it. What they cannot needs two of them and is never automatic. Default: they can. */
  readonly isIrreversible?: ((policy: PolicyFacts) => boolean) | undefined
  /** Whether a second run by another key changes nothing, so that another sender may take over at a deadline. */
  readonly isIdempotent: boolean
  /** Read on chain: the only proof of success. */
  readonly postcondition: {
    readonly description: string
    readonly calls: (policy: PolicyFacts) => readonly { readonly to: Address; readonly data: Hex }[]
    /** The return data of the calls, in their order; every one of them succeeded. */
    readonly holds: (returnData: readonly Hex[], policy: PolicyFacts) => boolean
  }
  /** True for revert data which says that the effect already stands. */
  readonly isAlreadyEffective: (revertData: Hex) => boolean
  /** Whether the signer could do it now: roles and rights. The framework adds code, balance, expiry and a dry run. */
  readonly probe: (context: ProbeContext) => Promise<readonly ProbeResult[]>
}
