import type { Meter } from '../telemetry/index.ts'

export type IntakeMetrics = {
  /** `outcome`: accepted, repeated, refused or failed; `reason`: a word of ours, empty where there is none. */
  readonly onAnswer: (receiver: string, outcome: string, reason: string) => void
  readonly onStored: (receiver: string, findings: number) => void
  /** From the first byte to the answer. */
  readonly onTaken: (receiver: string, seconds: number) => void
}

export const createIntakeMetrics = (meter: Meter): IntakeMetrics => {
  const answers = meter.counter({
    name: 'tocsin_intake_deliveries_total',
    help: 'Deliveries from outside by what became of them.',
    labels: ['receiver', 'outcome', 'reason'],
  })
  const findings = meter.counter({
    name: 'tocsin_intake_findings_total',
    help: 'Findings that were told from outside and not known before.',
    labels: ['receiver'],
  })
  const seconds = meter.histogram({
    name: 'tocsin_intake_answer_seconds',
    help: 'From the headers of a delivery that was taken to its answer.',
    labels: ['receiver'],
  })
  return {
    onAnswer: (receiver, outcome, reason) => answers.add({ receiver, outcome, reason }),
    onStored: (receiver, count) => findings.add({ receiver }, count),
    onTaken: (receiver, value) => seconds.observe({ receiver }, value),
  }
}
