import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { portError, TocsinError, tryPort } from '../base/index.ts'
import { faultLine } from '../config/index.ts'
import { type ProbeFault, probeWatchlist } from '../config/probe/index.ts'
import type { Config } from '../config/types.ts'
import { formatFault, readPolicies } from '../response/index.ts'
import { EXIT } from './exitCodes.ts'
import { listUnheard } from './listUnheard.ts'
import type { ProcessName } from './supervisor.ts'

type Place = {
  readonly host: string
  readonly port: number
  readonly what: string
  readonly setting: string
}

/** Where the supervisor itself is measured: after the last of its processes; 0 where ports are chosen freely. */
export const supervisorPort = (basePort: number, all: readonly ProcessName[]): number =>
  basePort === 0 ? 0 : basePort + all.length

/** Where the supervisor and the named processes will listen; ports that are chosen freely are left out. */
const placesOf = (config: Config, names: readonly ProcessName[], all: readonly ProcessName[]) => {
  const { metrics } = config
  const places: Place[] = []
  if (names.includes('console'))
    places.push({ ...config.console, what: 'the console', setting: 'console.port' })
  if (names.includes('intake') && config.intake)
    places.push({
      host: config.intake.host,
      port: config.intake.port,
      what: 'the intake',
      setting: 'intake.port',
    })
  if (names.includes('indexer'))
    places.push({ ...config.indexer, what: 'the indexer', setting: 'indexer.port' })
  for (const [offset, name] of all.entries())
    if (metrics.basePort !== 0 && names.includes(name))
      places.push({
        host: metrics.host,
        port: metrics.basePort + offset,
        what: `the metrics of the ${name}`,
        setting: 'metrics.basePort',
      })
  if (metrics.basePort !== 0)
    places.push({
      host: metrics.host,
      port: supervisorPort(metrics.basePort, all),
      what: 'the metrics of the supervisor',
      setting: 'metrics.basePort',
    })
  return places.filter(({ port }) => port !== 0)
}

const refuseDoubles = (places: readonly Place[]): void => {
  const known = new Map<number, Place>()
  for (const place of places) {
    const other = known.get(place.port)
    if (other)
      throw new TocsinError(
        'config.same_port',
        `Port ${place.port} is wanted for ${other.what} and for ${place.what}.`,
        {
          exitCode: EXIT.invalid,
          hints: [`Change \`${other.setting}\` or \`${place.setting}\` in the watchlist.`],
        },
      )
    known.set(place.port, place)
  }
}

const refuseTaken = (place: Place): Promise<void> =>
  tryPort(place.port, place.host).catch((cause: unknown) => {
    throw portError(cause, place)
  })

/** Its password is the signer's alone, so whether that opens it shows later. */
const refuseMissingKeystore = async (file: string): Promise<void> =>
  access(file, constants.R_OK).catch((cause: unknown) => {
    throw new TocsinError('keystore.missing', `The keystore ${file} cannot be read.`, {
      cause,
      exitCode: EXIT.invalid,
      hints: [
        'Correct `signer.keystore`; it is taken from the folder of the watchlist.',
        '`tocsin actions keystore new --out FILE` writes one.',
      ],
    })
  })

/**
 * What can be known to be wrong before anything is started: ports, the keystore, chain ids, addresses without code, ABIs and kinds
 * that do not fit. Endpoints that do not answer are no reason not to start; they are told.
 * @throws TocsinError `port.in_use`, `port.unusable`, `config.same_port`, `keystore.missing`, `start.chain_disagrees`
 */
export const preflight = async (options: {
  readonly config: Config
  readonly names: readonly ProcessName[]
  /** In the order of their metrics ports. */
  readonly all: readonly ProcessName[]
  /** False: the chains are not asked. */
  readonly asksChains: boolean
  readonly onWarning: (text: string) => void
}): Promise<void> => {
  const { config, names } = options
  const places = placesOf(config, names, options.all)
  refuseDoubles(places)
  for (const place of places) await refuseTaken(place)
  if (config.signer?.keystore && names.includes('signer'))
    await refuseMissingKeystore(config.signer.keystore)
  // Whoever answers is less without it, and the watch goes on all the same.
  const { policies, faults } = await readPolicies(config.actionsDir)
  for (const fault of faults) options.onWarning(`${formatFault(fault)}; this action is not armed.`)
  for (const fault of listUnheard(config, policies)) options.onWarning(`${formatFault(fault)}.`)
  if (!options.asksChains) return

  const report = await probeWatchlist(config)
  const isServed = (chain: string): boolean =>
    report.endpoints.some(
      (endpoint) =>
        endpoint.chain === chain &&
        endpoint.chainId === config.chains.find(({ name }) => name === chain)?.id,
    )
  // A chain that one endpoint serves can be watched, whatever is wrong with the others.
  const isBearable = ({ path, severity, unsure }: ProbeFault): boolean =>
    severity === 'warning' ||
    unsure === true ||
    config.chains.some(({ name }) => path.startsWith(`chains.${name}.rpc[`) && isServed(name))
  const grave = report.faults.filter((fault) => !isBearable(fault))
  if (grave.length > 0)
    throw new TocsinError(
      'start.chain_disagrees',
      'The chain does not agree with the watchlist; nothing was started.',
      {
        exitCode: EXIT.probeFailed,
        hints: [
          ...grave.map(faultLine),
          '`tocsin check` shows it all; `tocsin start --unchecked` starts all the same.',
        ],
      },
    )
  for (const fault of report.faults) options.onWarning(faultLine(fault))
}
