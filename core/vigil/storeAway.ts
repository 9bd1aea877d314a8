import type { AlertMessage, SendResult } from '../alerts/light.ts'
import { SELF_BOT_ID, stableHash } from '../base/index.ts'
import { directMessage } from './directMessage.ts'

/**
 * Pages directly that Postgres cannot be reached, once it has been away for `afterMs`, and says when it is back.
 * `look` hears of every attempt to reach it.
 */
export const createStoreAway = (options: {
  /** Name of the installation: one page however many processes notice. */
  readonly name: string
  readonly channel: string
  readonly afterMs: number
  readonly send: (message: AlertMessage) => Promise<SendResult>
}): {
  readonly look: (isReached: boolean, nowMs: number) => Promise<void>
  readonly isTold: () => boolean
} => {
  let awaySince: number | undefined
  /** What was told and is not called off yet. */
  let told: AlertMessage | undefined
  const encode = (nowMs: number, change: 'opened' | 'resolved', at: number): AlertMessage => {
    const uniqueKey = `${options.name}:${new Date(at).toISOString().slice(0, 13)}`
    return directMessage(
      {
        id: stableHash(SELF_BOT_ID, 'STORE-UNREACHABLE', uniqueKey),
        botId: SELF_BOT_ID,
        alertId: 'STORE-UNREACHABLE',
        alertKind: 'condition',
        chainId: 0,
        blockNumber: 0,
        txHash: null,
        uniqueKey,
        name: change === 'opened' ? 'Incident store unreachable' : 'The incident store is back',
        description:
          change === 'opened'
            ? `Postgres has been away for ${Math.round((nowMs - at) / 1_000)} s: nothing new is watched, stored or told but SEV1 findings of the block in hand.`
            : 'Postgres answers again; what waited goes its usual way.',
        severity: 'Critical',
        thing: null,
        owner: null,
        protocol: null,
        metadata: { installation: options.name },
        addresses: [],
        status: 'final',
      },
      { channel: options.channel, severity: 'SEV1', chains: [], now: new Date(nowMs), change },
    )
  }
  return {
    isTold: () => told !== undefined,
    look: async (isReached, nowMs) => {
      if (!isReached) {
        awaySince ??= nowMs
        if (told || nowMs - awaySince < options.afterMs) return
        const message = encode(nowMs, 'opened', awaySince)
        if ((await options.send(message)).kind === 'sent') told = message
        return
      }
      if (told) {
        const message = { ...encode(nowMs, 'resolved', awaySince ?? nowMs), alert: told.alert }
        if ((await options.send(message)).kind !== 'sent') return
        told = undefined
      }
      awaySince = undefined
    },
  }
}
