import { Webhook } from 'standardwebhooks'
import { probeSignatures, type Readiness } from '../readiness.ts'
import { probe, probeExpiry } from '../readinessProbes.ts'
import { readDesk } from './callDesk.ts'
import { type DeskPolicy, readDeskSecret } from './deskPolicy.ts'

const openSecret = async (desk: DeskPolicy): Promise<Webhook | undefined> => {
  try {
    return new Webhook(await readDeskSecret(desk))
  } catch {
    // The library's words may quote the secret.
    return undefined
  }
}

/**
 * Whether a desk could be stopped now: its secret signs, its status can be read, enough approvers signed the file, and
 * the approval is not near its end. Nothing is called but the status.
 */
export const probeDesk = async (
  desk: DeskPolicy,
  options: {
    readonly signaturesRequired: number
    readonly expiryDays: number
    readonly signal: AbortSignal
  },
): Promise<Readiness> => {
  const webhook = await openSecret(desk)
  const answer =
    webhook && (await readDesk({ desk, webhook, id: `probe.${desk.id}`, signal: options.signal }))
  const probes = [
    probe('secret', webhook !== undefined, 'The secret signs.', 'Its secret cannot be used.'),
    ...(answer
      ? [
          probe(
            'status',
            answer.kind === 'well' || answer.isReadable,
            answer.kind === 'well' ? 'It stands still.' : 'Its status can be read.',
            answer.kind === 'well' ? '' : `The desk: ${answer.reason}.`,
          ),
        ]
      : []),
    ...probeSignatures(desk, options.signaturesRequired),
    probeExpiry(desk, options.expiryDays),
  ]
  return { policy: desk.id, ready: probes.every(({ ok }) => ok), probes }
}
