import type { CommandList } from './options.ts'

/** Each command's module is loaded when it is asked for: most commands need neither viem nor the database. */
export const COMMANDS: CommandList = {
  start: () => import('./commands/start.ts'),
  run: () => import('./commands/run.ts'),
  check: () => import('./commands/check.ts'),
  backtest: () => import('./commands/backtest.ts'),
  tune: () => import('./commands/tune.ts'),
  bots: () => import('./commands/bots.ts'),
  forta: () => import('./commands/forta.ts'),
  baselines: () => import('./commands/baselines.ts'),
  actions: () => import('./commands/actions.ts'),
  pause: () => import('./commands/pause.ts'),
  drill: () => import('./commands/drill.ts'),
  audit: () => import('./commands/audit.ts'),
  halt: async () => ({ register: (await import('./commands/halt.ts')).registerHalt }),
  resume: async () => ({ register: (await import('./commands/halt.ts')).registerResume }),
  labels: () => import('./commands/labels.ts'),
  findings: () => import('./commands/findings.ts'),
  alerts: () => import('./commands/alerts.ts'),
  channels: () => import('./commands/channels.ts'),
  oncall: () => import('./commands/oncall.ts'),
  tickets: () => import('./commands/tickets.ts'),
  subscriptions: () => import('./commands/subscriptions.ts'),
  status: () => import('./commands/status.ts'),
  demo: () => import('./commands/demo.ts'),
}
