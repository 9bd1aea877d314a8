import { type DemoDeployment, deployDemo, FIRST_USER } from '../../demo/contracts/index.ts'
import { type ChainScene, useChainScene } from './chainScene.ts'

/** A chain with the demo's contracts for the tests of one file. */
export type DemoScene = ChainScene & { readonly demo: DemoDeployment }

/** A chain with the demo's contracts and what `build` adds to them, as `useChainScene`. */
export const useDemoSceneWith = <T extends object>(
  users: number,
  build: (scene: DemoScene) => Promise<T>,
): (() => DemoScene & T) =>
  useChainScene(
    async (chain) => {
      const demo = await deployDemo({ rpcUrl: chain.anvil.url, users, mine: chain.mine })
      return { demo, ...(await build({ ...chain, demo })) }
    },
    { accounts: FIRST_USER + users },
  )

/** A chain with the demo's contracts, as `useChainScene`. */
export const useDemoScene = (users: number): (() => DemoScene) =>
  useDemoSceneWith(users, async () => ({}))
