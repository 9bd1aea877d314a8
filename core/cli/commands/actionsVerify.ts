import { type Address, messageOf, redactUrls } from '../../base/index.ts'
import type { Config } from '../../config/index.ts'
import {
  type DeskPolicy,
  formatFault,
  type LoadedPolicy,
  listMissingRunbooks,
  loadActions,
  type PolicyFault,
  type ProbeResult,
  probeDesk,
  probeReadiness,
  type Readiness,
} from '../../response/index.ts'
import { EXIT } from '../exitCodes.ts'
import { findSigner } from '../findSigner.ts'
import { listUnheard } from '../listUnheard.ts'
import { openRunningStore } from '../openRunningStore.ts'
import { findDatabaseUrl } from '../openStore.ts'
import type { CommonOptions } from '../options.ts'
import { plainJson } from '../plainJson.ts'
import { readConfig } from '../readConfig.ts'
import { rpcOf } from '../rpcOf.ts'
import { readSignerSight, type SignerSight } from '../signerSight.ts'
import { readApprovedFiles } from './findApprovedFile.ts'
import {
  checkPolicySignatures,
  describeSignatures,
  type PolicySignatures,
} from './policySignatures.ts'

const line = (text = ''): void => void process.stdout.write(`${text}\n`)

const probeAll = async (
  config: Config,
  policies: readonly LoadedPolicy[],
  signer: Address | undefined,
): Promise<readonly Readiness[]> => {
  const actions = await loadActions()
  return Promise.all(
    policies.map(async (policy): Promise<Readiness> => {
      const action = actions.find(({ id }) => id === policy.action)
      const missing = (message: string): Readiness => ({
        policy: policy.id,
        ready: false,
        probes: [{ name: 'setup', ok: false, message }],
      })
      if (!action) return missing(`Unknown action type "${policy.action}".`)
      if (!signer)
        return missing(
          'The address of the signer is not known: its keystore does not tell; give --signer.',
        )
      if (!config.chains.some(({ id }) => id === policy.chain))
        return missing(`The watchlist has no chain ${policy.chain}.`)
      return probeReadiness(rpcOf(config, policy.chain), action, policy, signer, { policies })
    }),
  )
}

/** Signatures are told apart from the probes. */
const probeDeskByHand = (desk: DeskPolicy): Promise<Readiness> =>
  probeDesk(desk, {
    signaturesRequired: 0,
    expiryDays: 14,
    signal: AbortSignal.timeout(30_000),
  })

/** What the signer itself says; without its database that cannot be asked. */
const askSigner = async (options: CommonOptions): Promise<SignerSight> => {
  try {
    const config = await readConfig(options, ['database'])
    const { store, close } = await openRunningStore({
      url: findDatabaseUrl(config),
      dataDir: config.dataDir,
    })
    try {
      return await readSignerSight(store.db)
    } finally {
      await close()
    }
  } catch (error) {
    return { absence: messageOf(error), at: undefined, readiness: [] }
  }
}

type Verification = {
  readonly faults: readonly PolicyFault[]
  /** Answers of the watchlist that name no policy. */
  readonly missing: readonly string[]
  /** Nothing is refused for these. */
  readonly warnings: readonly string[]
  readonly readiness: readonly Readiness[]
  readonly signatures: readonly PolicySignatures[]
  /** The probes of the running signer, by its own endpoints, senders and ledger. */
  readonly signer: SignerSight
}

const printProbe = ({ ok, name, message }: ProbeResult): void =>
  line(`  ${ok ? 'ok ' : 'BAD'} ${name.padEnd(9)} ${redactUrls(message)}`)

/** Of the signer's probes those that cannot be made from here, and those that fail. */
const printOwn = ({ policy, probes }: Readiness, { absence, at, readiness }: SignerSight): void => {
  if (absence !== undefined || at === undefined) return
  const own = readiness.find((each) => each.policy === policy)
  line(
    `  the signer itself, at ${at.toISOString()}: ${own ? `${own.probes.length} probes` : 'nothing yet'}`,
  )
  for (const each of own?.probes ?? [])
    if (!each.ok || !probes.some(({ name }) => name === each.name)) printProbe(each)
}

const printVerification = (found: Verification): void => {
  const { faults, missing, warnings, readiness, signatures, signer } = found
  const told = [
    ...faults.map((fault) => `FAULT    ${formatFault(fault)}`),
    ...missing.map(
      (id) => `MISSING  ${id}: an answer of the watchlist names it, and there is no such policy`,
    ),
    ...warnings.map((text) => `WARNING  ${text}`),
  ]
  for (const text of told) line(text)
  for (const each of readiness) {
    const { policy, ready, probes } = each
    line(`${ready ? 'READY   ' : 'NOT READY'} ${policy}`)
    for (const result of probes) printProbe(result)
    printOwn(each, signer)
    const signed = signatures.find((other) => other.policy === policy)
    for (const text of signed ? describeSignatures(signed) : []) line(text)
  }
  if (readiness.length + faults.length === 0) line('There are no policies.')
  else if (signer.absence !== undefined)
    line(
      `Not probed, for only the running signer can: senders and their rights, limits, its own endpoints (${redactUrls(signer.absence)}).`,
    )
}

/** `tocsin actions verify`. */
export const verify = async (
  options: CommonOptions & { readonly signer?: string },
): Promise<void> => {
  const config = await readConfig(options, ['rpc'])
  const { policies, desks, faults: faulty } = await readApprovedFiles(config.actionsDir)
  const faults = [...faulty, ...listUnheard(config, policies)]
  const named = new Set(config.answers.map(({ action }) => action))
  const missing = [...named].filter((id) => !policies.some((policy) => policy.id === id))
  const signer = await findSigner(config, options.signer)
  const readiness = [
    ...(await probeAll(config, policies, signer)),
    ...(await Promise.all(desks.map(probeDeskByHand))),
  ]
  const signatures = await Promise.all(
    [...policies, ...desks].map((each) => checkPolicySignatures(config, each)),
  )
  const warnings = await listMissingRunbooks([...policies, ...desks])
  const own = await askSigner(options)
  const found = { faults, missing, warnings, readiness, signatures, signer: own }
  if (options.json) line(plainJson(found))
  else printVerification(found)
  if (faults.length + missing.length > 0) process.exitCode = EXIT.invalid
  else if (
    [...readiness, ...(own.absence === undefined ? own.readiness : [])].some(
      ({ ready }) => !ready,
    ) ||
    signatures.some(({ enough }) => !enough)
  )
    process.exitCode = EXIT.probeFailed
}
