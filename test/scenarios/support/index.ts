/** What stories are played with: see `playStories`. */
export { actor, call, createScene, creation } from './createScene.ts'
export { playStories, type StoryBook } from './playStories.ts'
export type {
  BlockOptions,
  Contract,
  Expected,
  Fork,
  Receipt,
  Request,
  Scene,
  Story,
  World,
} from './types.ts'
