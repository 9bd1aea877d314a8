export { type AnswerOptions, createAnswerHandler } from './answers.ts'
export { isBusinessTime, nextBusinessTime } from './businessHours.ts'
export { type ButtonKey, createButtons } from './buttons.ts'
export { escalate } from './escalate.ts'
export { type FatigueFigures, readFatigue } from './fatigue.ts'
export {
  handOver,
  listHandovers,
  renderShift,
  reportShift,
  type ShiftReport,
} from './handover.ts'
export { createOverride, type OverrideRow, readOverrides, removeOverride } from './overrides.ts'
export { ANSWER_KINDS } from './receivers/index.ts'
export { startOnCall } from './startOnCall.ts'
export { type TeamFacts, teamsOf } from './teamsOf.ts'
export { closeTicket, listTickets, type TicketRow } from './tickets.ts'
export type { Duty, Level, OnCall, OnCallConfig, Override } from './types.ts'
export { listSchedule, type ScheduleEntry, whoIsOnCall } from './whoIsOnCall.ts'
