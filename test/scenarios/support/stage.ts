import { fileURLToPath } from 'node:url'
import { type ContractArtifact, compileContracts } from '../../../demo/contracts/index.ts'

/** The contracts of test/scenarios/contracts, by name. */
export const compileStage = async (): Promise<(name: string) => ContractArtifact> => {
  const artifacts = await compileContracts(fileURLToPath(new URL('../contracts', import.meta.url)))
  return (name) => {
    const found = artifacts[name]
    if (!found) throw new Error(`There is no contract ${name}.`)
    return found
  }
}
