import { createRequire, Module } from 'node:module'
import { dirname, join, sep } from 'node:path'
import { pathToFileURL } from 'node:url'

export type Handler = (event: unknown) => unknown
export type Agent = {
  readonly initialize?: () => unknown
  readonly handleBlock?: Handler
  readonly handleTransaction?: Handler
  readonly handleAlert?: Handler
  readonly healthCheck?: () => unknown
}

/** What the host uses of the bot's own SDK; everything else is the bot's business. */
export type Sdk = {
  readonly require: NodeJS.Require
  readonly dir: string
  readonly version: string
}

type Loader = (request: string, parent: { readonly filename?: string } | undefined) => unknown

/** A module that is loaded when something of it is first used. */
const later = (load: () => unknown): unknown => {
  const real = (): Record<PropertyKey, unknown> => {
    const loaded = load() as Record<PropertyKey, unknown>
    return (loaded['default'] ?? loaded) as Record<PropertyKey, unknown>
  }
  return new Proxy(() => undefined, {
    get: (_, name) => real()[name],
    set: (_, name, value) => Reflect.set(real(), name, value),
    has: (_, name) => Reflect.has(real(), name),
    apply: (_, self, args) => Reflect.apply(real() as unknown as Handler, self, args),
  })
}

/**
 * Loads the SDK from where the agent would load it. The SDK draws in its whole command line at import; that waits until
 * somebody calls `configureContainer`, which bots do not, and its HTTP client until it asks for something.
 */
export const loadSdk = (agentPath: string): Sdk => {
  const require = createRequire(agentPath)
  const main = require.resolve('forta-agent')
  const folder = dirname(main) + sep
  const internal = Module as unknown as { _load: Loader }
  const load = internal._load
  internal._load = function loadLater(this: unknown, request, parent) {
    // The HTTP client is a quarter of the start.
    if (request === 'axios' && parent?.filename?.startsWith(folder))
      return {
        __esModule: true,
        default: later(() => Reflect.apply(load, this, [request, parent])),
      }
    const isContainer = request === '../cli/di.container' && parent?.filename === main
    if (!isContainer) return Reflect.apply(load, this, [request, parent])
    const makeContainer = (...args: readonly unknown[]): unknown => {
      const made = createRequire(main)(request) as {
        readonly default: (...args: readonly unknown[]) => unknown
      }
      return made.default(...args)
    }
    return { __esModule: true, default: makeContainer }
  }
  try {
    require(main)
  } finally {
    internal._load = load
  }
  const dir = main.slice(0, main.lastIndexOf(`${sep}dist${sep}`))
  const { version } = require(join(dir, 'package.json')) as { readonly version: string }
  return { require, dir, version }
}

const isAgent = (value: unknown): value is Agent => typeof value === 'object' && value !== null

const isModule = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_REQUIRE_ESM'

/** The agent's handlers: its default export, or what it exports, as the SDK's own loader takes them. */
export const loadAgent = async (agentPath: string): Promise<Agent> => {
  const require = createRequire(join(dirname(agentPath), 'x.js'))
  let loaded: unknown
  try {
    loaded = require(agentPath)
  } catch (error) {
    if (!isModule(error)) throw error
    loaded = await import(pathToFileURL(require.resolve(agentPath)).href)
  }
  const isInterop =
    typeof loaded === 'object' &&
    loaded !== null &&
    ('__esModule' in loaded || Object.prototype.toString.call(loaded) === '[object Module]')
  const agent = isInterop ? (loaded as { readonly default?: unknown }).default : loaded
  if (!isAgent(agent)) throw new Error(`${agentPath} exports no handlers`)
  return agent
}
