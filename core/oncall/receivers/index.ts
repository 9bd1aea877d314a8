import { discordKind } from './discord.ts'
import { pagerdutyKind } from './pagerduty.ts'
import { slackKind } from './slack.ts'
import { telegramKind } from './telegram.ts'
import { twilioKind } from './twilio.ts'

/** Receivers of answers to pages, by the vendors that pages go out by. */
export const ANSWER_KINDS = [
  pagerdutyKind,
  slackKind,
  telegramKind,
  twilioKind,
  discordKind,
] as const
