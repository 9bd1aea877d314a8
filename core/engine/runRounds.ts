import { selectAlerts, toBotAlert } from './alertNeeds.ts'
import type { CompiledNeeds } from './checkNeeds.ts'
import type { FindingRow } from './engineStore.ts'
import type { BotRun } from './runBot.ts'
import type { BotAlert } from './types.ts'

const NONE: readonly BotAlert[] = []

/**
 * Runs the bots over one block in two rounds: first those that ask for nobody's findings, then, once, those that do,
 * over what the first found. Which bot sees what depends on the block and the needs only, never on who was faster.
 * @param options.isSerial one by one, where it must be known of whom the process died
 * @param options.others findings that come from elsewhere
 */
export const runRounds = async (options: {
  readonly needs: readonly CompiledNeeds[]
  readonly isSerial: boolean
  readonly others?: readonly BotAlert[] | undefined
  readonly toAlertRow?: ((row: FindingRow) => FindingRow) | undefined
  readonly run: (index: number, alerts: readonly BotAlert[]) => Promise<BotRun | undefined>
}): Promise<readonly (BotRun | undefined)[]> => {
  const { needs, isSerial, run, toAlertRow = (row) => row } = options
  const runs: (BotRun | undefined)[] = needs.map(() => undefined)
  const late: number[] = []
  const first: number[] = []
  for (const [index, { alerts }] of needs.entries()) (alerts.length > 0 ? late : first).push(index)

  const runThose = async (
    indexes: readonly number[],
    alertsOf: (index: number) => readonly BotAlert[],
  ): Promise<void> => {
    const runOne = async (index: number): Promise<void> => {
      runs[index] = await run(index, alertsOf(index))
    }
    if (!isSerial) await Promise.all(indexes.map(runOne))
    else for (const index of indexes) await runOne(index)
  }

  await runThose(first, () => NONE)
  if (late.length === 0) return runs
  const found = new Map<string, FindingRow>()
  for (const one of runs) for (const row of one?.rows ?? []) found.set(row.id, row)
  const alerts = [
    ...[...found.values()].map((row) => toBotAlert(toAlertRow(row))),
    ...(options.others ?? []),
  ]
  await runThose(late, (index) =>
    alerts.length === 0 ? NONE : selectAlerts(alerts, needs[index]?.alerts ?? []),
  )
  return runs
}
