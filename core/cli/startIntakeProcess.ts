import { startIntake } from '../intake/index.ts'
import type { RunningProcess } from '../telemetry/index.ts'
import type { ProcessInput } from './processInput.ts'

/** The intake, and what acknowledgements do: other rooms bring their kinds of senders and the handler with them. */
export const startIntakeProcess = (input: ProcessInput): Promise<RunningProcess> =>
  startIntake(input)
