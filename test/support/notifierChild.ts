import { startNotifier } from '../../core/alerts/index.ts'
import { plainIncidents } from '../../core/alerts/testSupport.ts'
import { connectDatabase } from '../../core/store/index.ts'
import { createLogger } from '../../core/telemetry/index.ts'

// A notifier as a process of its own, to be killed: notifierChild.ts <database url> <webhook url> <secret>
const [, , database = '', url = '', secret = ''] = process.argv
const log = createLogger({ service: 'notifier', level: 'fatal' })
const store = await connectDatabase({ url: database, name: 'notifier', onError: () => undefined })
await startNotifier({
  config: {
    dataDir: '/nonexistent',
    chains: [],
    channels: [
      { kind: 'webhook', minSeverity: 'SEV4', name: 'hook', url, secret, timeoutMs: 2_000 },
    ],
    routes: [{ match: {}, channels: ['hook'], continue: false }],
    incidents: plainIncidents,
  },
  store,
  log,
  backoffBaseMs: 30,
})
process.send?.('ready')
