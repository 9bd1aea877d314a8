import { cleanText, type Finding, type FindingSeverity, showAddress } from 'tocsin'
import type { Page } from './book.ts'
import type { PauseContext, PauseThing } from './probe.ts'

export type AlertId =
  | 'PAUSED'
  | 'PAUSED-LONG'
  | 'PAUSE-MISSING'
  | 'PAUSE-UNDONE'
  | 'PAUSE-EXPIRING'
  | 'PAUSE-FLAPPING'
  | 'PAUSE-SILENT'
  | 'PAUSE-IMPOSSIBLE'

export const TITLES: Readonly<Record<AlertId, string>> = {
  PAUSED: 'Paused',
  'PAUSED-LONG': 'Paused for longer than usual',
  'PAUSE-MISSING': 'Expected pause is missing',
  'PAUSE-UNDONE': 'Pause was undone',
  'PAUSE-EXPIRING': 'Pause lapses soon',
  'PAUSE-FLAPPING': 'Paused and unpaused again and again',
  'PAUSE-SILENT': 'Pause changed without an event',
  'PAUSE-IMPOSSIBLE': 'Can no longer be paused',
}

export const showTime = (timeS: number): string => {
  const isDate = timeS >= 0 && timeS < 8_000_000_000_000
  return isDate ? new Date(timeS * 1_000).toISOString().replace('.000Z', 'Z') : String(timeS)
}

export const report = (
  ctx: PauseContext,
  thing: PauseThing,
  facts: {
    readonly alertId: AlertId
    readonly severity: FindingSeverity
    readonly what: string
    readonly condition?: Finding['condition']
    readonly txHash?: Finding['txHash'] | undefined
    readonly page?: Page | undefined
    readonly metadata?: Readonly<Record<string, string>>
  },
): Finding => {
  const { page, txHash } = facts
  const name = cleanText(thing.name, 60)
  const by = page?.by ? ` By ${showAddress(ctx, page.by)}.` : ''
  return {
    alertId: facts.alertId,
    name: `${TITLES[facts.alertId]}: ${name}`,
    description: `${name}: ${facts.what}${by}`,
    severity: facts.severity,
    type: 'Info',
    thing: thing.name,
    ...(thing.protocol === undefined ? {} : { protocol: thing.protocol }),
    metadata: {
      contract: thing.address,
      ...(page
        ? {
            state: page.isPaused ? 'paused' : 'running',
            since: showTime(page.sinceS),
            readBy: page.probe.flag ?? page.probe.until ?? 'getPausedState',
          }
        : {}),
      ...(page?.by ? { by: page.by } : {}),
      ...(txHash ? { tx: txHash } : {}),
      ...facts.metadata,
    },
    addresses: [thing.address, ...(page?.by && page.by !== thing.address ? [page.by] : [])],
    ...(txHash ? { txHash } : {}),
    uniqueKey: thing.name,
    ...(facts.condition ? { condition: facts.condition } : {}),
  }
}
