import type { Address, ProbeContext, ProbeResult } from 'tocsin'
import { encodeFunctionData, parseAbi } from 'viem/utils'
import { probed, readAddress, TRUE } from '../words.ts'

const abi = parseAbi([
  'function ADDRESSES_PROVIDER() view returns (address)',
  'function getPoolConfigurator() view returns (address)',
  'function getACLManager() view returns (address)',
  'function isEmergencyAdmin(address admin) view returns (bool)',
  'function isPoolAdmin(address admin) view returns (bool)',
])

/** Of a reserve's configuration word in Aave v3. */
export const ACTIVE_BIT = 1n << 56n
export const PAUSED_BIT = 1n << 60n

const probeRole = async (
  { policy, signer, call }: ProbeContext,
  provider: Address,
): Promise<ProbeResult> => {
  const manager = readAddress(
    await call(provider, encodeFunctionData({ abi, functionName: 'getACLManager' })),
  )
  if (!manager) return probed('role', false, '', `${provider} names no ACLManager.`)
  const [emergency, pool] = await Promise.all([
    call(manager, encodeFunctionData({ abi, functionName: 'isEmergencyAdmin', args: [signer] })),
    call(manager, encodeFunctionData({ abi, functionName: 'isPoolAdmin', args: [signer] })),
  ])
  const isPoolAdmin = pool.ok && pool.data === TRUE
  return probed(
    'role',
    emergency.ok && emergency.data === TRUE && !isPoolAdmin,
    'The signer is emergency admin and no pool admin.',
    isPoolAdmin
      ? `The signer ${signer} is pool admin of ${policy.target}; it must be emergency admin and nothing else.`
      : `The signer ${signer} is no emergency admin of ${policy.target}.`,
  )
}

/** Whether the target is the configurator of that pool, and the signer its emergency admin. */
export const probeConfigurator = async (
  context: ProbeContext,
  pool: Address,
): Promise<readonly ProbeResult[]> => {
  const { policy, call } = context
  const provider = readAddress(
    await call(pool, encodeFunctionData({ abi, functionName: 'ADDRESSES_PROVIDER' })),
  )
  const configurator =
    provider &&
    readAddress(
      await call(provider, encodeFunctionData({ abi, functionName: 'getPoolConfigurator' })),
    )
  const target = policy.target.toLowerCase()
  const own = probed(
    'pool',
    configurator === target,
    'The target is the configurator of the pool.',
    `The configurator of pool ${pool} is ${configurator ?? 'not to be had'}, not the target ${target}.`,
  )
  return provider && own.ok ? [own, await probeRole(context, provider)] : [own]
}
