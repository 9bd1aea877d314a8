import type { AlertMessage } from '../alerts/index.ts'
import type { Config } from '../config/types.ts'
import { createButtons } from '../oncall/index.ts'
import type { ProcessInput } from './processInput.ts'

/** Last touch before a message leaves by a channel. */
export type Prepare = (
  message: AlertMessage,
  channel: string,
) => AlertMessage | Promise<AlertMessage>

const hasAnswers = ({ onCall, intake }: Config): boolean =>
  onCall !== undefined && (intake?.receivers ?? []).some(({ enabled }) => enabled)

/**
 * Where proposals can come up, the notifier makes their links, and where answers can come back, the buttons: what lies
 * in the outbox holds no secret. Undefined where neither is.
 */
export const createPrepare = async (
  input: Pick<ProcessInput, 'store' | 'log'>,
  config: () => Config,
): Promise<Prepare | undefined> => {
  const first = config()
  if (!first.signer && !hasAnswers(first)) return undefined
  const { addLinks, loadPeopleSecret } = await import('../response/index.ts')
  const secret = await loadPeopleSecret(first)
  const addButtons = createButtons({ db: input.store.db, log: input.log, config, key: secret })
  return async (message, channel) => {
    const withButtons = hasAnswers(config()) ? await addButtons(message, channel) : message
    const people = config().people ?? { url: undefined, channels: {} }
    return addLinks({ secret, people }, withButtons, channel)
  }
}
