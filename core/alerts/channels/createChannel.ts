import { join } from 'node:path'
import type { ChannelConfig } from '../../config/types.ts'
import type { Channel, ThreadBook } from '../types.ts'
import { createAlertmanagerChannel } from './alertmanagerChannel.ts'
import { createConsoleChannel } from './consoleChannel.ts'
import { createDiscordChannel } from './discordChannel.ts'
import { createEmailChannel } from './emailChannel.ts'
import { createJiraChannel } from './jiraChannel.ts'
import { createPagerdutyChannel } from './pagerdutyChannel.ts'
import { createSlackChannel, createSlackWebhookChannel } from './slackChannel.ts'
import { createTelegramChannel } from './telegramChannel.ts'
import { createTwilioChannel } from './twilioChannel.ts'
import { createWebhookChannel } from './webhookChannel.ts'

/** The live channel of an entry of the watchlist. @throws TocsinError when its settings cannot work */
export const createChannel = (
  config: ChannelConfig,
  options: { readonly dataDir: string; readonly threads: ThreadBook },
): Channel => {
  const { threads } = options
  switch (config.kind) {
    case 'console':
      return createConsoleChannel({ name: config.name, file: join(options.dataDir, 'alerts.log') })
    case 'webhook':
      return createWebhookChannel(config)
    case 'pagerduty':
      return createPagerdutyChannel(config)
    case 'slack':
      return createSlackChannel({ ...config, threads })
    case 'slack-webhook':
      return createSlackWebhookChannel(config)
    case 'discord':
      return createDiscordChannel({ ...config, threads })
    case 'telegram':
      return createTelegramChannel({ ...config, threads })
    case 'email':
      return createEmailChannel(config)
    case 'twilio':
      return createTwilioChannel(config)
    case 'jira':
      return createJiraChannel(config)
    case 'alertmanager':
      return createAlertmanagerChannel(config)
  }
}
