import { readFileSync } from 'node:fs'
import type { Config } from '../../core/config/types.ts'
import { startSigner } from '../../core/response/index.ts'
import { connectDatabase } from '../../core/store/index.ts'
import { createLogger } from '../../core/telemetry/index.ts'

/** A signer as a process of its own, for tests that kill it. `argv[2]`: file with `{config, databaseUrl}`. */
const { config, databaseUrl } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as {
  config: Config
  databaseUrl: string
}
const store = await connectDatabase({ url: databaseUrl, name: 'signer-child' })
await startSigner({ config, store, log: createLogger({ service: 'signer', level: 'warn' }) })
process.stdout.write('up\n')
