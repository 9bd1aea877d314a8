import { join } from 'node:path'
import type { ChannelConfig } from '../../config/types.ts'
import type { Channel } from '../types.ts'
import { createConsoleChannel } from './consoleChannel.ts'
import { createWebhookChannel } from './webhookChannel.ts'

/** The live channel of an entry of the watchlist. @throws TocsinError when its settings cannot work */
export const createChannel = (config: ChannelConfig, dataDir: string): Channel => {
  switch (config.kind) {
    case 'console':
      return createConsoleChannel({ name: config.name, file: join(dataDir, 'alerts.log') })
    case 'webhook':
      return createWebhookChannel(config)
  }
}
