import type { Address, Hex } from 'tocsin'
import type { PauseContext, PauseThing, Probe } from './probe.ts'

/** What is kept of one thing: this, and the times of its changes within a day. */
export type Page = {
  readonly probe: Probe
  readonly isPaused: boolean
  /** When that began (s); for what was so when first seen, the time of that look. */
  readonly sinceS: number
  /** Who changed it last, where an event told. */
  readonly by: Address | undefined
  readonly untilS: number | undefined
  /** Alerts that hold, each with its severity when it was told last. */
  readonly open: Readonly<Record<string, string>>
}

/** One thing of a group was paused, and the rest is expected to follow. */
export type Incident = {
  readonly block: number
  readonly thing: string
  readonly by: Address | undefined
}

/** One thing's change within this block. */
export type Change = {
  readonly isPaused: boolean
  readonly by: Address | undefined
  readonly txHash: Hex | undefined
}

export const pageOf = (ctx: PauseContext, thing: PauseThing): Page | undefined =>
  ctx.state.get<Page>(`page:${thing.name}`)

export const keepPage = (ctx: PauseContext, thing: PauseThing, page: Page): void =>
  ctx.state.set(`page:${thing.name}`, page)

/** Things of one protocol belong together; those without, by their owner. */
export const groupOf = (thing: PauseThing): string | undefined =>
  thing.protocol !== undefined
    ? `protocol:${thing.protocol.slice(0, 100)}`
    : thing.owner !== undefined
      ? `owner:${thing.owner}`
      : undefined
