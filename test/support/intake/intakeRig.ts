import { sql } from 'drizzle-orm'
import { receiverSchema } from '../../../core/config/intakeSchema.ts'
import type { Config, ReceiverConfig } from '../../../core/config/types.ts'
import {
  createDesk,
  createIntakeMetrics,
  type Desk,
  type DeskAnswer,
  type HandleAcknowledgement,
  listKinds,
} from '../../../core/intake/index.ts'
import type { Database } from '../../../core/store/index.ts'
import { createLogger, noMeter } from '../../../core/telemetry/index.ts'
import { type Golden, SCANNER_ADDRESS, SECRETS } from './goldens.ts'

const ref = { env: 'UNUSED' }

/** A receiver as the schema reads it, its secrets put in. */
const receiver = (
  name: string,
  file: Record<string, unknown>,
  secrets: Record<string, string>,
): ReceiverConfig => {
  const refs = Object.fromEntries(Object.keys(secrets).map((key) => [key, ref]))
  const parsed = receiverSchema.parse({ perMinute: 60_000, ...file, ...refs })
  return { ...parsed, ...secrets, name } as ReceiverConfig
}

const mapping = {
  when: [{ at: '/type', is: ['incident.triggered'] }],
  key: '/data/id',
  title: '$.data.title',
  severity: '/data/level',
  chain: '/data/chain',
  time: '/timestamp',
  tx: '/data/transaction',
  addresses: ['/data/contract'],
  metadata: { amount: '/data/amount' },
}

export const RECEIVERS: readonly ReceiverConfig[] = [
  receiver('forta', { kind: 'forta', signers: [SCANNER_ADDRESS] }, { path: SECRETS.path }),
  receiver('monitor', { kind: 'openzeppelin-monitor' }, { secret: SECRETS.monitor }),
  receiver('defender', { kind: 'defender' }, { secret: SECRETS.defender }),
  receiver('tenderly', { kind: 'tenderly' }, { secret: SECRETS.tenderly }),
  receiver('alertmanager', { kind: 'alertmanager' }, { token: SECRETS.token }),
  receiver('generic', { kind: 'generic', mapping }, { secret: SECRETS.standard }),
  receiver(
    'hmac',
    {
      kind: 'generic',
      mapping,
      signature: {
        scheme: 'hmac',
        header: 'X-Hub-Signature-256',
        prefix: 'sha256=',
        timestampHeader: 'X-Time',
      },
    },
    { secret: SECRETS.hmac },
  ),
]

export const intakeConfig = (receivers: readonly ReceiverConfig[] = RECEIVERS): Config =>
  ({
    chains: [{ name: 'mainnet', id: 1 }],
    watch: [
      {
        name: 'usdc',
        kind: 'token',
        chain: 'mainnet',
        chainId: 1,
        address: '0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48',
        owner: 'treasury',
        protocol: 'circle',
      },
    ],
    intake: { host: '127.0.0.1', port: 0, receivers },
  }) as unknown as Config

export type IntakeRig = {
  readonly desk: Desk
  /** Findings and marks that are stored. */
  readonly stored: () => Promise<{ readonly findings: number; readonly marks: number }>
  /** What the desk says it took: deliveries, and findings that were new. */
  readonly stats: () => { readonly accepted: number; readonly findings: number }
  readonly deliver: (delivery: Sent) => Promise<DeskAnswer>
  readonly clear: () => Promise<void>
}

export type Sent = {
  readonly target: string
  readonly body: string | Buffer
  readonly headers: Readonly<Record<string, string>>
  readonly method?: string
  readonly remote?: string
}

export const targetOf = ({ receiver: name, path }: Golden): string => `/in/${name}${path ?? ''}`

/** A desk without sockets on a real database. */
export const createIntakeRig = (options: {
  readonly db: Database
  readonly now: () => number
  readonly config?: Config
  readonly onAcknowledgement?: HandleAcknowledgement
}): IntakeRig => {
  const config = options.config ?? intakeConfig()
  const taken = { accepted: 0, findings: 0 }
  const desk = createDesk({
    config: () => config,
    kinds: listKinds(() => config),
    db: options.db,
    log: createLogger({ service: 'intake', level: 'silent' }),
    metrics: {
      ...createIntakeMetrics(noMeter),
      onAnswer: (_, outcome) => {
        if (outcome === 'accepted') taken.accepted++
      },
      onStored: (_, findings) => {
        taken.findings += findings
      },
    },
    now: options.now,
    onAcknowledgement: options.onAcknowledgement ?? (async () => ({})),
  })
  const count = async (table: string): Promise<number> => {
    const { rows } = await options.db.execute<{ n: string }>(
      sql.raw(`select count(*) as n from tocsin.${table}`),
    )
    return Number(rows[0]?.n)
  }
  return {
    desk,
    stats: () => ({ ...taken }),
    stored: async () => ({
      findings: await count('finding'),
      marks: await count('intake_delivery'),
    }),
    deliver: ({ target, body, headers, method = 'POST', remote = '127.0.0.1' }) =>
      desk.take({
        method,
        target,
        remote,
        headers,
        readBody: async () => (Buffer.isBuffer(body) ? body : Buffer.from(body)),
      }),
    clear: async () => {
      await options.db.execute(
        sql`truncate tocsin.finding, tocsin.finding_queue, tocsin.intake_delivery`,
      )
    },
  }
}
