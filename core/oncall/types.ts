import type { OnCallConfig } from '../config/types.ts'

export type { OnCallConfig } from '../config/types.ts'

/** Who stands in at a place, and for how long. */
export type Level = 'primary' | 'secondary'

/** Somebody takes the place of whoever the rotation names. Of several at once the newest counts. */
export type Override = {
  readonly id: string
  readonly team: string
  readonly level: Level
  /** A key of `onCall.people`. */
  readonly person: string
  readonly startsAt: Date
  readonly endsAt: Date
  readonly createdAt: Date
}

/** One person at one place for a time. */
export type Duty = {
  readonly person: string
  readonly since: Date
  readonly until: Date
  /** Rotation that names the person; undefined for an override. */
  readonly rotation?: string
  /** Id of the override that does. */
  readonly override?: string
}

/** Who is paged by a team, first to last. A place nobody fills is undefined. */
export type OnCall = {
  readonly team: string
  readonly primary: Duty | undefined
  readonly secondary: Duty | undefined
  readonly lead: readonly string[]
}

export type Team = OnCallConfig['teams'][string]
export type Person = OnCallConfig['people'][string]
export type Rotation = OnCallConfig['rotations'][string]
export type Layer = Exclude<Rotation, { readonly layers: unknown }>
export type Hours = OnCallConfig['hours']
