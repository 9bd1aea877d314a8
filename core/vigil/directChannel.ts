import { type AlertMessage, createChannel, type SendResult } from '../alerts/light.ts'
import type { Config } from '../config/types.ts'

/** A channel of the watchlist as it is called past the outbox. Never throws. */
export const createDirectChannel = (
  config: Pick<Config, 'channels' | 'dataDir'>,
  name: string,
): ((message: AlertMessage, signal: AbortSignal) => Promise<SendResult>) | undefined => {
  const entry = config.channels.find((channel) => channel.name === name)
  if (!entry) return undefined
  const threads = new Map<string, string>()
  const channel = createChannel(entry, {
    dataDir: config.dataDir,
    threads: {
      find: async (lane) => threads.get(lane),
      keep: async (lane, reference) => void threads.set(lane, reference),
    },
  })
  return (message, signal) => channel.send(message, signal)
}
