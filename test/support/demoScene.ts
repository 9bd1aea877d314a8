import { afterAll, beforeAll } from 'vitest'
import { type Anvil, startAnvil } from '../../core/testing/index.ts'
import { type DemoDeployment, deployDemo, FIRST_USER } from '../../demo/contracts/index.ts'

/** A chain with the demo's contracts for the tests of one file, from their first to their last. */
export type DemoScene = {
  readonly anvil: Anvil
  readonly demo: DemoDeployment
  readonly mine: () => Promise<unknown>
  readonly head: () => Promise<number>
}

/** Deploys the demo before the tests of this file and ends the chain after them. Call it at the top of the file. */
export const useDemoScene = (users: number): (() => DemoScene) => {
  let anvil: Anvil | undefined
  let scene: DemoScene | undefined
  beforeAll(async () => {
    const chain = await startAnvil({ accounts: FIRST_USER + users })
    anvil = chain
    const mine = (): Promise<unknown> => chain.rpc('evm_mine')
    const head = async (): Promise<number> => Number(await chain.rpc<string>('eth_blockNumber'))
    scene = {
      anvil: chain,
      demo: await deployDemo({ rpcUrl: chain.url, users, mine }),
      mine,
      head,
    }
  })
  afterAll(() => anvil?.stop())
  return () => {
    if (!scene) throw new Error('the demo is not deployed yet')
    return scene
  }
}
