export { isBusinessTime, nextBusinessTime } from './businessHours.ts'
export { type TeamFacts, teamsOf } from './teamsOf.ts'
export type { Duty, Level, OnCall, OnCallConfig, Override } from './types.ts'
export { listSchedule, type ScheduleEntry, whoIsOnCall } from './whoIsOnCall.ts'
