import { watchlistSchema } from '../config/schema.ts'
import type { OnCallConfig } from './types.ts'

/** Four teams, one rotation of three people in Berlin from 5 January 2026, and a lead. */
export const onCallConfig = (overrides: Record<string, unknown> = {}): OnCallConfig =>
  watchlistSchema.shape.onCall.unwrap().parse({
    people: {
      ada: { contacts: ['ada-phone'] },
      bo: { contacts: [{ channel: 'sms', to: '+15550002' }] },
      cy: { contacts: ['cy-phone'] },
      di: { contacts: ['di-phone'] },
    },
    rotations: { chain: { people: ['ada', 'bo', 'cy'], zone: 'Europe/Berlin' } },
    teams: Object.fromEntries(
      ['trading', 'infrastructure', 'on-chain', 'risk'].map((team) => [
        team,
        { primary: 'chain', lead: ['di'] },
      ]),
    ),
    ...overrides,
  }) as OnCallConfig
