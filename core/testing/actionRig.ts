import { keccak256 } from 'viem/utils'
import type { Address, Hex } from '../base/index.ts'
import {
  type ActionDefinition,
  createProbeContext,
  createSignerRpc,
  type LoadedPolicy,
  type PolicyFault,
  parsePolicy,
} from '../response/index.ts'
import type { Anvil } from './anvil.ts'
import { trialPolicy } from './trialPolicy.ts'

const GAS = '0x7a1200'

/** A target on a local chain, ready for an action: the signer holds the right, and the guard is down. */
export type ActionScene = {
  readonly anvil: Anvil
  readonly target: Address
  readonly signer: Address
  /** Of the policy, as in its file. Default: none. */
  readonly parameters?: Readonly<Record<string, unknown>>
  /** Each takes away what the signer needs: the probe must fail, and so must the call. */
  readonly breaks: Readonly<Record<string, () => Promise<unknown>>>
  /** Every guard that the action's function can reach, raised or not, always in the same order. */
  readonly guards: () => Promise<readonly boolean[]>
  /** Raises, by somebody with the right, other guards than the policy's. */
  readonly raiseOthers?: () => Promise<unknown>
}

export type Sent = { readonly success: boolean; readonly revertData: Hex }

/** Sends a transaction from any account and mines it. Does not throw when it reverts. */
export const sendFrom = async (
  anvil: Anvil,
  from: Address,
  to: Address,
  data: Hex,
): Promise<Sent> => {
  const rpc = createSignerRpc({ chainId: anvil.chainId, urls: [anvil.url] })
  const dry = await rpc.ask('eth_call', [{ from, to, data }, 'latest'])
  await anvil.rpc('anvil_impersonateAccount', [from])
  await anvil.rpc('anvil_setBalance', [from, '0x8ac7230489e80000'])
  const hash = await anvil.rpc<Hex>('eth_sendTransaction', [{ from, to, data, gas: GAS }])
  await anvil.rpc('evm_mine')
  const receipt = await anvil.rpc<{ status: Hex }>('eth_getTransactionReceipt', [hash])
  return { success: receipt.status === '0x1', revertData: dry.ok ? '0x' : dry.data }
}

/** What the conformance suite does with an action on its scene. */
export const createActionRig = (action: ActionDefinition, scene: ActionScene) => {
  const { anvil, target, signer } = scene
  const parameters = scene.parameters ?? {}
  const facts = { target, chain: anvil.chainId, parameters }
  const rpc = createSignerRpc({ chainId: anvil.chainId, urls: [anvil.url] })
  const parse = async (
    changes: Readonly<Record<string, unknown>> = {},
  ): Promise<
    | { readonly ok: true; readonly policy: LoadedPolicy }
    | { readonly ok: false; readonly faults: readonly PolicyFault[] }
  > => {
    const policy = trialPolicy({
      id: 'trial',
      action: action.id,
      parameters,
      chain: anvil.chainId,
      target,
      codeHash: keccak256(await anvil.rpc<Hex>('eth_getCode', [target, 'latest'])),
      calldata: action.encode(facts),
      gasLimit: 500_000,
      ...changes,
    })
    // JSON is YAML.
    return parsePolicy(JSON.stringify(policy), { file: 'trial.yaml', actions: [action] })
  }
  const readPolicy = async (): Promise<LoadedPolicy> => {
    const parsed = await parse()
    if (parsed.ok) return parsed.policy
    throw new Error(
      `the scene's policy is refused: ${parsed.faults.map((each) => each.message).join('; ')}`,
    )
  }
  return {
    facts,
    parse,
    /** The calldata that the signer would sign now. */
    prepare: async (): Promise<Hex> => {
      const policy = await readPolicy()
      const adapted = await action.adapt?.prepare(createProbeContext(rpc, policy, signer))
      return adapted ?? policy.calldata
    },
    isEffective: async (): Promise<boolean> => {
      const calls = action.postcondition.calls(facts)
      const answers = await Promise.all(calls.map((call) => rpc.ask('eth_call', [call, 'latest'])))
      const data = answers.flatMap((answer) => (answer.ok ? [String(answer.value) as Hex] : []))
      return data.length === calls.length && action.postcondition.holds(data, facts)
    },
    probe: async () => action.probe(createProbeContext(rpc, await readPolicy(), signer)),
    send: (data: Hex): Promise<Sent> => sendFrom(anvil, signer, target, data),
  }
}
