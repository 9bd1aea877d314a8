import type { Address, ProbeContext, ProbeResult } from 'tocsin'
import { encodeFunctionData, parseAbi } from 'viem/utils'
import { probed, readAddress, TRUE } from './words.ts'

const abi = parseAbi([
  'function safe() view returns (address)',
  'function bot() view returns (address)',
  'function isModuleEnabled(address module) view returns (bool)',
])

/** Whether the policy's target is a module that the Safe has enabled, and the signer is its bot. */
export const probeModule = async (
  { policy, signer, call }: ProbeContext,
  safe: Address,
): Promise<readonly ProbeResult[]> => {
  const [owner, bot, enabled] = await Promise.all([
    call(policy.target, encodeFunctionData({ abi, functionName: 'safe' })),
    call(policy.target, encodeFunctionData({ abi, functionName: 'bot' })),
    call(safe, encodeFunctionData({ abi, functionName: 'isModuleEnabled', args: [policy.target] })),
  ])
  return [
    probed(
      'module',
      readAddress(owner) === safe && enabled.ok && enabled.data === TRUE,
      'The Safe has the module enabled.',
      `The module ${policy.target} is not of the Safe ${safe}, or not enabled there.`,
    ),
    probed(
      'role',
      readAddress(bot) === signer.toLowerCase(),
      'The signer is the bot of the module.',
      `The signer ${signer} is not the bot of the module ${policy.target}.`,
    ),
  ]
}
