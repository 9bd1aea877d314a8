import { startIntake } from '../intake/index.ts'
import { ANSWER_KINDS, createAnswerHandler } from '../oncall/index.ts'
import type { RunningProcess } from '../telemetry/index.ts'
import type { ProcessInput } from './processInput.ts'

/** The intake, and what acknowledgements do: other rooms bring their kinds of senders and the handler with them. */
export const startIntakeProcess = async (input: ProcessInput): Promise<RunningProcess> => {
  let { config } = input
  const intake = await startIntake({
    ...input,
    kinds: ANSWER_KINDS,
    onAcknowledgement: createAnswerHandler({
      db: input.store.db,
      config: () => config,
      log: input.log,
    }),
  })
  return {
    ...intake,
    reload: async (next) => {
      config = next
      await intake.reload?.(next)
    },
  }
}
