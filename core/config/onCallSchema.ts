import { z } from 'zod'
import { clockTime, name, secretSchema, sev, timeZone, urlOrSecret } from './schemaWords.ts'

const zone = timeZone.describe('IANA time zone, e.g. Europe/Berlin')
const localTime = clockTime.describe('Local time, quoted: "09:00"')
const day = z
  .string()
  .regex(/^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/, 'a day such as 2026-12-24, quoted')
const weekday = z.enum([
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
])

const contactSchema = z.union([
  name.describe('A channel that reaches this person alone'),
  z.strictObject({
    channel: name.describe('A channel of kind email, twilio, telegram or slack'),
    to: z
      .string()
      .min(1)
      .max(320)
      .describe('Where this person is there: address, number, chat id, Slack user id (U…)'),
  }),
])

const personSchema = z.strictObject({
  name: z.string().min(1).max(100).optional().describe('As others read it. Default: the key'),
  zone: zone
    .optional()
    .describe('Tells day from night in the figures. Default: that of the rotation'),
  role: z
    .enum(['viewer', 'responder', 'approver', 'admin'])
    .default('responder')
    .describe('What an answer from a chat may do: responders acknowledge, approvers also approve'),
  approver: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('Name under `signer.approvers`; without it nothing can be approved from a chat'),
  contacts: z
    .array(contactSchema)
    .max(10)
    .default([])
    .describe('Where a page goes: all of them at once'),
  accounts: z
    .strictObject({
      slack: z
        .string()
        .regex(/^[A-Z0-9]{2,32}\/[UW][A-Z0-9]{2,32}$/, 'workspace and user as T024BE7LD/U024BE7LH')
        .optional(),
      telegram: z
        .string()
        .regex(/^\d{1,20}$/, 'the id of a user, quoted')
        .optional(),
      discord: z
        .string()
        .regex(/^\d{5,25}$/, 'the id of a user, quoted')
        .optional(),
      pagerduty: z.string().min(3).max(320).optional().describe('Id of the user (P…)'),
      phone: z
        .string()
        .regex(/^\+\d{5,15}$/, 'a number as +15551234567, quoted')
        .optional(),
    })
    .default({})
    .describe('Whose answer it is when it comes back from a vendor'),
})

const shiftSchema = {
  zone: zone.default('UTC'),
  handOver: z
    .strictObject({ day: weekday.default('monday'), time: localTime.default('09:00') })
    .default({ day: 'monday', time: '09:00' })
    .describe('When the next person takes over, in local time, through daylight saving'),
  everyWeeks: z.int().min(1).max(8).default(1),
  from: day
    .default('2026-01-05')
    .describe(
      'The first person has the shift that this day (its hand-over or the next one) begins',
    ),
}

const layerSchema = z.strictObject({
  people: z.array(name).min(1).max(60),
  ...shiftSchema,
  only: z
    .strictObject({
      days: z.array(weekday).min(1).optional(),
      between: z.tuple([localTime, localTime]).optional(),
    })
    .optional()
    .describe('Days and hours at which this layer counts; a night may pass midnight'),
})

const hoursSchema = z.strictObject({
  zone: zone.default('UTC'),
  days: z.array(weekday).min(1).default(['monday', 'tuesday', 'wednesday', 'thursday', 'friday']),
  between: z.tuple([localTime, localTime]).default(['09:00', '18:00']),
  holidays: z.array(day).max(400).default([]).describe('Days without business hours'),
})

const teamSchema = z.strictObject({
  primary: name.describe('Rotation of who is paged first'),
  secondary: name
    .optional()
    .describe('Rotation of who is paged next. Default: the next person of the first one'),
  lead: z.array(name).min(1).max(5).describe('Who is paged after both'),
  channel: name.optional().describe('Where the team hears of hand-overs: a chat'),
  match: z
    .strictObject({
      owner: z.array(name).min(1).optional(),
      bot: z.array(name).min(1).optional(),
      alertId: z.array(z.string().min(1)).min(1).optional().describe('An end of * stands for all'),
      thing: z.array(name).min(1).optional(),
      protocol: z.array(z.string().min(1)).min(1).optional(),
    })
    .optional()
    .describe(
      'What is theirs: any of these. Default: by the name of the team, see docs/on-call.md',
    ),
  stepMinutes: z.number().min(0.1).max(240).optional(),
  hours: hoursSchema.optional().describe('Default: `onCall.hours`'),
})

/** Who is on call: people, teams, rotations, and what happens when nobody answers. */
export const onCallSchema = z.strictObject({
  people: z.record(name, personSchema),
  rotations: z
    .record(
      name,
      z.union([layerSchema, z.strictObject({ layers: z.array(layerSchema).min(1).max(8) })]),
    )
    .describe('Layers: where several count at a time, the last one does'),
  teams: z.record(name, teamSchema),
  fallback: name
    .optional()
    .describe('Team of what is nobody’s. Default: on-chain when there is one, else the first'),
  stepMinutes: z.number().min(0.1).max(240).default(5).describe('Pause before the next person'),
  repeat: z.int().min(1).max(10).default(3).describe('How often all steps are gone through'),
  remindMinutes: z
    .number()
    .min(1)
    .max(1_440)
    .default(30)
    .describe('Pause between pages to all once every step was gone through in vain'),
  page: z
    .array(sev)
    .max(4)
    .default(['SEV1', 'SEV2'])
    .describe('What is paged at all; milder things wait in chats and queues'),
  anyHour: z
    .array(sev)
    .max(4)
    .default(['SEV1'])
    .describe('What is paged outside business hours too; the rest waits for them'),
  hours: hoursSchema.default({
    zone: 'UTC',
    days: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'],
    between: ['09:00', '18:00'],
    holidays: [],
  }),
  maxPagesPerShift: z
    .int()
    .min(1)
    .max(1_000)
    .default(5)
    .describe('More pages than these in one shift are a finding of their own'),
  tickets: z
    .strictObject({
      severity: z.array(sev).min(1).default(['SEV4']),
      jira: z
        .strictObject({
          url: urlOrSecret.describe('https://<site>.atlassian.net'),
          user: z.string().min(3).max(320).describe('Address of the account'),
          token: secretSchema.describe('API token of the account'),
          project: z.string().regex(/^[A-Z][A-Z0-9_]{1,20}$/, 'a project key such as OPS'),
          issueType: z.string().min(1).max(60).default('Task'),
        })
        .optional()
        .describe('Each ticket becomes an issue there too'),
    })
    .default({ severity: ['SEV4'] }),
})
