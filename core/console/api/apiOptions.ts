import type { Config } from '../../config/types.ts'
import type { Store } from '../../store/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import type { Auth } from '../auth/createAuth.ts'
import type { Perform } from '../auth/perform.ts'
import type { Hub } from '../createHub.ts'

/** What the API is made from. */
export type ApiOptions = {
  readonly config: () => Config
  readonly store: Store
  readonly log: Logger
  readonly hub: Hub
  readonly auth: Auth
  readonly perform: Perform
}
