import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { join } from 'node:path'
import { Duplex } from 'node:stream'

/**
 * The key-value store of the network, which bots write to by HTTPS at a fixed address. It is answered here, out of the
 * bot's folder: in memory to the bot, in files on the disk, and over no network.
 */

const HOST = 'research.forta.network'
const PLACE = /^\/database\/(bot|owner)\/([^?]+)/
/** Folder of the files, in the bot's own. */
export const STORE_FOLDER = '.forta-database'
const MOST_BYTES = 64 * 2 ** 20
const MOST_NAME = 200

type Answer = { readonly status: number; readonly body: Buffer }
type Options = Readonly<Record<string, unknown>>

const says = (status: number, body: string): Answer => ({ status, body: Buffer.from(body) })

/** A key as the name of a file: as it is where that is safe, else by its hash. */
const fileName = (key: string): string =>
  /^[\w][\w.-]*$/.test(key) && key.length <= MOST_NAME
    ? key
    : `~${createHash('sha256').update(key).digest('hex')}`

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const answer = (dir: string, method: string, path: string, body: Buffer): Answer => {
  const [, scope, key] = PLACE.exec(path) ?? []
  if (scope === undefined || key === undefined) return says(404, '{}')
  const folder = join(dir, STORE_FOLDER, scope)
  const file = join(folder, fileName(decode(key)))
  if (method === 'GET' || method === 'HEAD')
    return existsSync(file) ? { status: 200, body: readFileSync(file) } : says(404, '{}')
  if (method === 'DELETE') {
    rmSync(file, { force: true })
    return says(200, '{}')
  }
  if (method !== 'POST' && method !== 'PUT') return says(405, '{}')
  if (body.length > MOST_BYTES) return says(413, '{}')
  mkdirSync(folder, { recursive: true })
  // A process that is ended meanwhile leaves the old value or the new one.
  writeFileSync(`${file}.new`, body)
  renameSync(`${file}.new`, file)
  return says(200, '{}')
}

/** What clients ask of a socket, beside bytes. */
const AS_SOCKET = Object.fromEntries(
  ['setTimeout', 'setKeepAlive', 'setNoDelay', 'ref', 'unref'].map((name) => [
    name,
    function same(this: Duplex) {
      return this
    },
  ]),
)

/** Two ends of a connection that never leaves the process. */
const createPair = (): readonly [Duplex, Duplex] => {
  const ends: Duplex[] = []
  const make = (other: number): Duplex =>
    new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _, done) => {
        ends[other]?.push(chunk)
        done()
      },
      final: (done) => {
        ends[other]?.push(null)
        done()
      },
    })
  const pair = [Object.assign(make(1), AS_SOCKET), Object.assign(make(0), AS_SOCKET)] as const
  ends.push(...pair)
  return pair
}

const serve = (dir: string): http.Server => {
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { status, body } = answer(
        dir,
        request.method ?? 'GET',
        request.url ?? '',
        Buffer.concat(chunks),
      )
      response
        .writeHead(status, {
          'content-type': 'application/json',
          'content-length': body.length,
          connection: 'close',
        })
        .end(request.method === 'HEAD' ? undefined : body)
    })
  })
  return server
}

const isOptions = (value: unknown): value is Options => typeof value === 'object' && value !== null

/** Arguments of `https.request`, as one; undefined where another host is asked. */
const readOptions = (args: readonly unknown[]): Options | undefined => {
  const [first, second] = args
  const isUrl = typeof first === 'string' || first instanceof URL
  const options = isUrl ? (isOptions(second) ? second : {}) : isOptions(first) ? first : {}
  const url = isUrl ? new URL(first) : undefined
  const host = String(options['hostname'] ?? options['host'] ?? url?.hostname ?? '')
  const path = String(options['path'] ?? (url ? `${url.pathname}${url.search}` : '/'))
  if (host.replace(/:443$/, '') !== HOST || !PLACE.test(path)) return undefined
  return { ...options, path }
}

type Body = ConstructorParameters<typeof Response>[0]

const readBody = async (body: Body): Promise<Buffer> =>
  Buffer.from(await new Response(body).arrayBuffer())

/** From now on what this process asks of the store is answered out of the folder. */
export const serveKeyValues = (dir: string): void => {
  let server: http.Server | undefined
  const { request } = https
  const ask = (options: Options, done: unknown): http.ClientRequest => {
    server ??= serve(dir)
    const [ours, theirs] = createPair()
    server.emit('connection', theirs)
    const { method, path, headers, timeout } = options as http.RequestOptions
    return http.request(
      {
        host: HOST,
        createConnection: () => ours,
        path: path ?? '/',
        method: method ?? 'GET',
        ...(headers ? { headers } : {}),
        ...(timeout ? { timeout } : {}),
      },
      typeof done === 'function' ? (done as (response: http.IncomingMessage) => void) : undefined,
    )
  }
  const replaced = function replaced(this: unknown, ...args: readonly unknown[]) {
    const options = readOptions(args)
    return options ? ask(options, args.at(-1)) : Reflect.apply(request, this, args)
  }
  https.request = replaced as typeof https.request
  const { get } = https
  https.get = function replacedGet(this: unknown, ...args: readonly unknown[]) {
    const options = readOptions(args)
    if (!options) return Reflect.apply(get, this, args)
    const made = ask(options, args.at(-1))
    made.end()
    return made
  } as typeof https.get

  const { fetch } = globalThis
  globalThis.fetch = async (input, init) => {
    const asked = input instanceof Request ? input : undefined
    const url = new URL(asked ? asked.url : String(input))
    if (url.hostname !== HOST || !PLACE.test(url.pathname)) return fetch(input, init)
    const method = (init?.method ?? asked?.method ?? 'GET').toUpperCase()
    const sent = init?.body ?? (asked ? await asked.arrayBuffer() : undefined)
    const { status, body } = answer(dir, method, url.pathname, await readBody(sent))
    return new Response(method === 'HEAD' ? null : new Uint8Array(body), {
      status,
      headers: { 'content-type': 'application/json' },
    })
  }
}
