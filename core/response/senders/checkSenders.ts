import type { Refusal } from '../decision.ts'
import type { SignerLane } from '../signerContext.ts'
import type { ActionDefinition, Policy } from '../types.ts'

/**
 * Why a policy's way to the chain cannot be gone, or undefined: a sender that is not configured, private endpoints that
 * do not exist, a promise of privacy that a sender would break, or several keys for an action whose second run would
 * change something.
 */
export const checkSenders = (
  {
    chainName,
    senders,
    hasPrivateRpc,
  }: Pick<SignerLane, 'chainName' | 'senders' | 'hasPrivateRpc'>,
  policy: Policy,
  action: Pick<ActionDefinition, 'id' | 'isIdempotent'>,
): Refusal | undefined => {
  const unknown = policy.senders.find(({ name }) => name !== 'local' && !senders?.find(name))
  if (unknown)
    return {
      code: 'sender_unknown',
      reason: `The policy's sender "${unknown.name}" is not among \`signer.senders\` for the chain "${chainName}".`,
    }
  if (new Set(policy.senders.map(({ name }) => name)).size > 1 && !action.isIdempotent)
    return {
      code: 'sender_unsafe',
      reason: `A second "${action.id}" by another sender would change something: it may have one sender only.`,
    }
  const { mode } = policy.broadcast
  const remote = policy.senders.find(({ name }) => name !== 'local')
  // A relayer sends to the mempool of its own endpoints, and a proposal can be read by everybody from the start.
  if (remote && (mode === 'private' || mode === 'private-then-public'))
    return {
      code: 'sender_public',
      reason: `The policy sends privately (\`broadcast.mode: ${mode}\`), and its sender "${remote.name}" would make the call public: leave \`local\` alone in \`senders\`, or set the mode to \`public\` or \`both\`.`,
    }
  const isLocal = policy.senders.some(({ name }) => name === 'local')
  if (isLocal && policy.broadcast.mode !== 'public' && hasPrivateRpc !== true)
    return {
      code: 'private_endpoint_missing',
      reason: `The policy sends privately, and \`signer.privateRpc\` has no endpoint for the chain "${chainName}".`,
    }
  return undefined
}
