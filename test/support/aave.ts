import { keccak256, toHex } from 'viem'
import type { Address } from '../../core/base/index.ts'
import type { ActionStage } from './actionScene.ts'

export const POOL_ADMIN = keccak256(toHex('POOL_ADMIN'))
const EMERGENCY_ADMIN = keccak256(toHex('EMERGENCY_ADMIN'))
const PAUSED_BIT = 1n << 60n

const hasBit = (configuration: unknown): boolean =>
  typeof configuration === 'object' &&
  configuration !== null &&
  'data' in configuration &&
  typeof configuration.data === 'bigint' &&
  (configuration.data & PAUSED_BIT) !== 0n

/** A pool of three reserves, whose emergency admin is the signer and whose pool admin is the admin. */
export const createAave = async ({ admin, signer, deploy }: ActionStage) => {
  const provider = await deploy('PoolAddressesProvider')
  const manager = await deploy('ACLManager', admin)
  const pool = await deploy('Pool', provider.address)
  const configurator = await deploy('PoolConfigurator', provider.address)
  await provider.write('set', manager.address, pool.address, configurator.address)
  await manager.write('grantRole', POOL_ADMIN, admin)
  await manager.write('grantRole', EMERGENCY_ADMIN, signer)
  const assets = ['a1', 'a2', 'a3'].map((byte): Address => `0x${byte.repeat(20)}`)
  for (const asset of assets) await pool.write('list', asset)
  return {
    provider,
    manager,
    pool,
    configurator,
    assets,
    emergency: EMERGENCY_ADMIN,
    /** Whether each reserve is paused. */
    guards: async (): Promise<readonly boolean[]> =>
      Promise.all(assets.map(async (asset) => hasBit(await pool.read('getConfiguration', asset)))),
  }
}
