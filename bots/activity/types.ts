import type { BotContext, BotThing } from 'tocsin'
import type { ActivityParameters } from './parameters.ts'

export type ActivityContext = BotContext<ActivityParameters>
export type ActivityThing = BotThing<ActivityParameters>

/** What one block adds to a thing. */
export type Touched = {
  transactions: number
  readonly users: Set<string>
}
