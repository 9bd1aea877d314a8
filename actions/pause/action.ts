import { defineAction, type Hex, type ProbeContext, type ProbeResult } from 'tocsin'

const PAUSE: Hex = '0x8456cb59'
const PAUSED: Hex = '0x5c975abb'
const OWNER: Hex = '0x8da5cb5b'
const HAS_ROLE = '0x91d14854'
/** `PAUSER_ROLE()`, for contracts that name their role themselves. */
const PAUSER_ROLE_GETTER: Hex = '0xe63ab1e9'
/** keccak-256 of "PAUSER_ROLE", the usual one. */
const PAUSER_ROLE = '65d7a28e3265b37a6474929f336521b332c1681b933f6cb9f3376673440d862a'
const ENFORCED_PAUSE = '0xd93c0665'
/** `Error("Pausable: paused")` of OpenZeppelin before version 5. */
const PAUSABLE_PAUSED = '5061757361626c653a20706175736564'
const TRUE: Hex = `0x${'1'.padStart(64, '0')}`

const word = (hex: string): string => hex.replace(/^0x/, '').toLowerCase().padStart(64, '0')

const probeRight = async ({ policy, signer, call }: ProbeContext): Promise<ProbeResult> => {
  const named = await call(policy.target, PAUSER_ROLE_GETTER)
  const role = named.ok && named.data.length === 66 ? word(named.data) : PAUSER_ROLE
  const [held, owner] = await Promise.all([
    call(policy.target, `${HAS_ROLE}${role}${word(signer)}` as Hex),
    call(policy.target, OWNER),
  ])
  if (held.ok && held.data === TRUE)
    return { name: 'role', ok: true, message: 'The signer holds the pauser role.' }
  if (owner.ok && owner.data.toLowerCase() === `0x${word(signer)}`)
    return { name: 'role', ok: true, message: 'The signer owns the target.' }
  return {
    name: 'role',
    ok: false,
    message: `The signer ${signer} neither holds the pauser role of ${policy.target} nor owns it.`,
  }
}

/** `pause()` of OpenZeppelin's Pausable, held by AccessControl's PAUSER_ROLE or by the owner. */
export const pause = defineAction({
  id: 'pause',
  summary: 'Pauses a contract that follows OpenZeppelin Pausable.',
  selectors: [PAUSE],
  functions: () => ['pause()'],
  encode: () => PAUSE,
  isIdempotent: true,
  postcondition: {
    description: 'paused() is true',
    calls: ({ target }) => [{ to: target, data: PAUSED }],
    holds: ([data]) => data === TRUE,
  },
  isAlreadyEffective: (data) => data.startsWith(ENFORCED_PAUSE) || data.includes(PAUSABLE_PAUSED),
  probe: async (context) => [await probeRight(context)],
})
