import { z } from 'zod'
import { clockTime, name, sev, timeZone, weekday } from './schemaWords.ts'

const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'a day such as "2026-12-25", quoted')
const instant = z
  .string()
  .regex(
    /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})$/,
    'an instant such as "2026-12-01T02:00Z", quoted',
  )
const seconds = (max: number) => z.int().min(0).max(max)
const words = z.array(z.string().min(1).max(200)).min(1).optional()

const bySeverity = (values: readonly [number, number, number, number], max: number) =>
  z
    .strictObject({
      SEV1: seconds(max).default(values[0]),
      SEV2: seconds(max).default(values[1]),
      SEV3: seconds(max).default(values[2]),
      SEV4: seconds(max).default(values[3]),
    })
    .prefault({})

const maintenanceSchema = z.strictObject({
  reason: z.string().min(3).max(500),
  match: z
    .strictObject({
      bot: words,
      alertId: words,
      thing: words,
      owner: words,
      protocol: words,
      chain: words,
    })
    .refine((match) => Object.values(match).some((value) => value !== undefined), {
      message: 'say what it covers: a bot, an alertId, a thing, an owner, a protocol or a chain',
    })
    .describe('What people are not told of meanwhile; never SEV1'),
  from: instant.optional().describe('Once: its beginning'),
  to: instant.optional().describe('Once: its end'),
  weekly: z
    .strictObject({
      days: z.array(weekday).min(1),
      from: clockTime,
      to: clockTime.describe('Before `from`: on the next day'),
      zone: timeZone.default('UTC'),
    })
    .optional()
    .describe('Every week, by the clock of a time zone'),
})

/** How alerts become incidents, and how often people hear of them. Durations are seconds. */
export const incidentsSchema = z.strictObject({
  acknowledgeWithinS: z
    .strictObject({
      SEV1: seconds(86_400).default(300),
      SEV2: seconds(86_400).default(900),
      SEV3: seconds(864_000).default(14_400),
    })
    .prefault({})
    .describe('Targets; that of SEV4 is the end of the next business day'),
  mitigateWithinS: seconds(864_000).default(1_800).describe('Target of a SEV1'),
  businessHours: z
    .strictObject({
      zone: timeZone.default('UTC'),
      from: clockTime.default('09:00'),
      to: clockTime.default('17:00'),
      days: z.array(weekday).min(1).default(['mon', 'tue', 'wed', 'thu', 'fri']),
      holidays: z.array(day).max(400).default([]),
    })
    .prefault({}),
  joinWithinS: seconds(86_400)
    .default(3_600)
    .describe(
      'An alert joins an incident of its protocol, thing, transaction or address until so long after its last news',
    ),
  mapWithinS: seconds(3_600).default(300).describe('The same through the dependency map'),
  mapHops: z.int().min(0).max(6).default(2),
  groupWaitS: bySeverity([0, 10, 60, 60], 3_600).describe(
    'Alerts that join an incident which was told less than so long ago are told together',
  ),
  cooldownS: bySeverity([30, 60, 300, 300], 86_400).describe(
    'The same alert at the same severity is told once in so long; 0: always',
  ),
  repeatS: bySeverity([300, 1_800, 14_400, 0], 604_800).describe(
    'What nobody has acknowledged is told again after so long; 0: never',
  ),
  unacknowledgeAfterS: seconds(86_400)
    .default(1_800)
    .describe('An acknowledged SEV1 without news from a person is open to all again; 0: never'),
  addUp: z
    .strictObject({
      alerts: z.int().min(2).max(1_000).default(3),
      withinS: seconds(86_400).default(600),
      upTo: sev.default('SEV2'),
    })
    .prefault({})
    .describe('So many alerts of one incident within the time make it one step graver'),
  flapping: z
    .strictObject({
      transitions: z.int().min(2).max(100).default(4),
      withinS: seconds(86_400).default(1_800),
      stableS: seconds(86_400).default(600),
    })
    .prefault({})
    .describe('More than so many changes within the time are told once, until it is stable'),
  messagesPerMinute: z
    .int()
    .min(1)
    .max(100_000)
    .default(3)
    .describe(
      'What a channel takes beside SEV1; the rest comes as one message at the end of the minute that counts it',
    ),
  staleMessageS: seconds(86_400)
    .default(60)
    .describe('A message that has waited so long gives way to newer ones of its alert'),
  maintenance: z.array(maintenanceSchema).max(200).default([]),
})

/** Hours of the day in which the channels of a route are told. */
export const routeHours = z
  .strictObject({
    days: z.array(weekday).min(1).default(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']),
    from: clockTime,
    to: clockTime,
    zone: timeZone.default('UTC'),
    holidays: z.array(day).max(400).default([]),
  })
  .refine(({ from, to }) => from < to, {
    path: ['to'],
    message: 'it ends before it begins: write a later time of the same day',
  })

const NODE_KINDS = ['protocol', 'oracle', 'bridge', 'token', 'rpc', 'venue', 'service'] as const

/** What is no contract of `watch`, yet others lean on it or it leans on others: by the name that `dependsOn` uses. */
export const dependencySchema = z.strictObject({
  kind: z.enum(NODE_KINDS).default('service'),
  description: z.string().max(500).optional(),
  chain: name.optional(),
  dependsOn: z.array(z.string().min(1).max(200)).max(100).default([]),
  valueUsd: z
    .number()
    .min(0)
    .max(1e15)
    .optional()
    .describe('What lies there, for the blast radius of an incident; as you reckon it'),
  hitBy: z
    .strictObject({ bot: words, alertId: words, chain: words })
    .optional()
    .describe('Alerts that say that it is hit, beside those that name it as thing or protocol'),
})
