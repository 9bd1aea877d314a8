import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Abi, Hex } from 'viem'
import { type ContractArtifact, compileContracts } from '../../../demo/contracts/index.ts'

const require = createRequire(import.meta.url)
const SAFE = '@safe-global/safe-smart-account/build/artifacts/contracts'
const OZ = '@openzeppelin/contracts/build/contracts'

/** As the packages ship them; what needs constructor arguments or extensions of its own is compiled from them. */
const FILES = {
  Safe: `${SAFE}/SafeL2.sol/SafeL2.json`,
  SafeFactory: `${SAFE}/proxies/SafeProxyFactory.sol/SafeProxyFactory.json`,
  Handler: `${SAFE}/handler/CompatibilityFallbackHandler.sol/CompatibilityFallbackHandler.json`,
  Guard: `${SAFE}/examples/guards/DebugTransactionGuard.sol/DebugTransactionGuard.json`,
  MultiSend: `${SAFE}/libraries/MultiSend.sol/MultiSend.json`,
  MultiSendCallOnly: `${SAFE}/libraries/MultiSendCallOnly.sol/MultiSendCallOnly.json`,
  AccessManager: `${OZ}/AccessManager.json`,
  Proxy: `${OZ}/ERC1967Proxy.json`,
  TransparentProxy: `${OZ}/TransparentUpgradeableProxy.json`,
  ProxyAdmin: `${OZ}/ProxyAdmin.json`,
  Beacon: `${OZ}/UpgradeableBeacon.json`,
  BeaconProxy: `${OZ}/BeaconProxy.json`,
} as const

export type GovernedArtifacts = (name: string) => ContractArtifact

const readArtifact = async (path: string): Promise<ContractArtifact> => {
  const { abi, bytecode } = JSON.parse(await readFile(require.resolve(path), 'utf8')) as {
    readonly abi: Abi
    readonly bytecode: Hex
  }
  return { abi, bytecode }
}

/** ABI and creation code by name. @throws Error when there is no such contract */
export const readGovernedArtifacts = async (): Promise<GovernedArtifacts> => {
  const own = await compileContracts(
    fileURLToPath(new URL('../contracts/governed', import.meta.url)),
  )
  const theirs = new Map(
    await Promise.all(
      Object.entries(FILES).map(async ([name, path]) => [name, await readArtifact(path)] as const),
    ),
  )
  return (name) => {
    const found = theirs.get(name) ?? own[name]
    if (!found) throw new Error(`no contract ${name}`)
    return found
  }
}
