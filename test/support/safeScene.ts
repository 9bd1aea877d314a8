import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Hex } from 'viem'
import type { Address } from '../../core/base/index.ts'
import type { ActionStage, Artifact, Deployed } from './actionScene.ts'

const ZERO: Address = `0x${'00'.repeat(20)}`
const require = createRequire(import.meta.url)

export const readArtifact = async (file: string): Promise<Artifact> =>
  JSON.parse(await readFile(file, 'utf8')) as Artifact

/** A real Safe 1.5 on a stage. */
export type SafeOnStage = {
  readonly safe: Deployed
  /** Makes a call in its name. Where the admin is no owner, or not enough by itself: throws. */
  readonly bySafe: (to: Address, data: Hex) => Promise<void>
}

/** Deploys a Safe of the published contracts. Default: the stage's admin alone owns it. */
export const createSafe = async (
  stage: ActionStage,
  owners: readonly Address[] = [stage.admin],
  threshold = 1,
  /** What checks contract signatures. Default: nothing. */
  handler: Address = ZERO,
): Promise<SafeOnStage> => {
  const { anvil, admin, deploy, at } = stage
  const ofSafe = (path: string): Promise<Artifact> =>
    readArtifact(
      require.resolve(`@safe-global/safe-smart-account/build/artifacts/contracts/${path}`),
    )
  const safeCode = await ofSafe('Safe.sol/Safe.json')
  const singleton = await deploy(safeCode)
  const factory = await deploy(await ofSafe('proxies/SafeProxyFactory.sol/SafeProxyFactory.json'))
  const args = [owners, BigInt(threshold), ZERO, '0x', handler, ZERO, 0n, ZERO]
  const setup = singleton.data('setup', args)
  const salt = BigInt(await anvil.rpc<Hex>('eth_blockNumber'))
  const created = await factory.read('createProxyWithNonce', singleton.address, setup, salt)
  await factory.write('createProxyWithNonce', singleton.address, setup, salt)
  const safe = at(safeCode.abi, String(created).toLowerCase() as Address)
  // Valid because the owner itself sends: its address, nothing, and v = 1.
  const signature = `0x${admin.slice(2).padStart(64, '0')}${'0'.repeat(64)}01`
  return {
    safe,
    bySafe: (to, data) =>
      safe.write('execTransaction', to, 0n, data, 0, 0n, 0n, 0n, ZERO, ZERO, signature),
  }
}
