import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Anvil, startAnvil } from '../../../core/testing/index.ts'
import { createScene } from './createScene.ts'
import { judgeStory, tellFindings } from './judgeStory.ts'
import type { Scene, Story, World } from './types.ts'
import { watchCatalogue } from './watchCatalogue.ts'

export type StoryBook<W extends World> = {
  /** Deploys everything, and makes it look lived in. */
  readonly build: (scene: Scene) => Promise<W>
  /** Calm history before each story, which the bots see. Default: 12 empty blocks. */
  readonly before?: (scene: Scene, world: W) => Promise<void>
  readonly stories: readonly Story<W>[]
  /** Accounts of the node's mnemonic. Default: 10. */
  readonly accounts?: number
}

/**
 * One test for each story: it is played on a real EVM, all bots of the catalogue look at it with default parameters,
 * and what they say is compared with the truth. The world is built once.
 */
export const playStories = <W extends World>(book: StoryBook<W>): void => {
  let anvil: Anvil | undefined
  let world: W
  let snapshot: unknown
  let from = 0

  beforeAll(async () => {
    anvil = await startAnvil({
      accounts: book.accounts ?? 10,
      // Long ago, so that stories can take hours.
      timestampS: Math.floor(Date.now() / 1_000) - 400 * 86_400,
      args: ['--auto-impersonate', '--disable-code-size-limit'],
    })
    const scene = createScene(anvil)
    world = await book.build(scene)
    await scene.calm()
    from = (await scene.head()).number
    if (book.before) await book.before(scene, world)
    else await scene.calm(12)
    snapshot = await anvil.rpc('evm_snapshot')
  })
  afterAll(async () => {
    await anvil?.stop()
  })

  test.each(book.stories.map((story) => [story.kind, story.name, story] as const))(
    '%s: %s',
    async (_kind, _name, story) => {
      if (!anvil) throw new Error('no chain')
      await anvil.rpc('evm_revert', [snapshot])
      snapshot = await anvil.rpc('evm_snapshot')
      const things = story.things?.(world) ?? world.things
      const watch = await watchCatalogue(anvil, { things, from })
      try {
        const scene = createScene(anvil, { follow: watch.follow, goBack: watch.rollback })
        await story.play(scene, world)
        // What may come a block late, and what must not come again.
        await scene.calm(3)
        await watch.follow()
        const faults = judgeStory(story, watch.history(), scene.marks)
        const shown = tellFindings(watch.history(), scene.marks)
        if (process.env['TOCSIN_STORIES'] === 'tell')
          process.stderr.write(`\n${story.name}\n${shown}\n`)
        if (faults.length > 0) expect.fail(`${faults.join('\n')}\n\n${shown}`)
      } finally {
        await watch.stop()
      }
    },
  )
}
