import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { hiddenFrom, PROCESSES } from '../core/cli/processes.ts'
import type { ProcessName } from '../core/cli/supervisor.ts'
import { type Config, loadConfig, type SecretPart } from '../core/config/index.ts'

type Service = {
  readonly command?: readonly string[]
  readonly user?: string
  readonly privileged?: boolean
  readonly environment?: Readonly<Record<string, string>>
  readonly env_file?: unknown
  readonly volumes?: readonly string[]
  readonly volumes_from?: unknown
  readonly cap_drop?: readonly string[]
}

const at = (path: string): URL => new URL(`../${path}`, import.meta.url)
const names = Object.keys(PROCESSES) as ProcessName[]
const cleanups: (() => Promise<void>)[] = []
let text: string
let services: Readonly<Record<string, Service>>
let volumes: readonly string[]
beforeAll(async () => {
  text = await readFile(at('docker-compose.yml'), 'utf8')
  const file = parse(text, { merge: true }) as {
    services: Record<string, Service>
    volumes: Record<string, unknown>
  }
  services = file.services
  volumes = Object.keys(file.volumes)
})
afterAll(async () => {
  for (const cleanup of cleanups) await cleanup()
})

const serviceOf = (name: string): Service => {
  const service = services[name]
  if (!service) throw new Error(`docker-compose.yml has no service ${name}`)
  return service
}

const mountsOf = (name: string) =>
  (serviceOf(name).volumes ?? []).map((mount) => {
    const [source = '', target = '', mode = 'rw'] = mount.split(':')
    return { source, target, isReadOnly: mode.split(',').includes('ro') }
  })

/** Services that have this variable of the environment. */
const holdersOf = (variable: string): readonly string[] =>
  Object.keys(services).filter((name) => variable in (serviceOf(name).environment ?? {}))

const mountersOf = (source: string): readonly string[] =>
  Object.keys(services).filter((name) => mountsOf(name).some((mount) => mount.source === source))

test('default: every process is a service that runs it and nothing else', () => {
  for (const name of names) {
    expect(serviceOf(name).command, name).toEqual(['run', name])
    expect(serviceOf(name).cap_drop, name).toEqual(['ALL'])
    // By these a service would get more than what the tests below look at.
    expect(serviceOf(name), name).not.toHaveProperty('env_file')
    expect(serviceOf(name), name).not.toHaveProperty('volumes_from')
    expect(serviceOf(name), name).not.toHaveProperty('privileged')
  }
})

test('behavior: no two services share a volume, and what comes from the host cannot be written', () => {
  for (const volume of volumes) expect(mountersOf(volume), volume).toHaveLength(1)
  for (const name of Object.keys(services))
    for (const { source, isReadOnly } of mountsOf(name)) {
      if (source.startsWith('.')) expect([name, source, isReadOnly]).toEqual([name, source, true])
      else expect(volumes, `${name} mounts ${source}`).toContain(source)
    }
})

test("behavior: the signer's data folder is its own, under a user of its own, who is in the image", async () => {
  const { user = '', environment = {} } = serviceOf('signer')
  const folder = environment['TOCSIN_DATA_DIR'] ?? ''
  expect(mountsOf('signer')).toContainEqual({ source: 'signer', target: folder, isReadOnly: false })
  expect(mountersOf('signer')).toEqual(['signer'])
  const [uid, gid] = user.split(':')
  expect(gid).toBe(uid)
  const dockerfile = await readFile(at('Dockerfile'), 'utf8')
  expect(dockerfile).toMatch(new RegExp(`useradd --uid ${uid} .*--home-dir ${folder} `))
  expect(dockerfile).toMatch(new RegExp(`chmod 700 .*${folder}\\b`))
  for (const name of names.filter((each) => each !== 'signer')) {
    expect(serviceOf(name).user, name).toBeUndefined()
    expect(serviceOf(name).environment?.['TOCSIN_DATA_DIR'], name).not.toBe(folder)
  }
})

test('behavior: secrets reach those who need them, and the watcher none but its endpoints', () => {
  expect(mountersOf('./secrets')).toEqual(['signer'])
  expect(holdersOf('TOCSIN_PEOPLE_SECRET').toSorted()).toEqual(['console', 'notifier', 'signer'])
  expect(holdersOf('TOCSIN_HALT_TOKEN')).toEqual(['console'])
  expect(holdersOf('SIGNER_KEYSTORE_PASSWORD')).toEqual(['signer'])
  expect(holdersOf('SIGNER_RPC_HTTP')).toEqual(['signer'])
  expect(holdersOf('OPS_WEBHOOK_SECRET')).toEqual(['notifier'])
  expect(Object.keys(serviceOf('watcher').environment ?? {}).toSorted()).toEqual([
    'DATABASE_URL',
    'MAINNET_RPC_HTTP',
    'MAINNET_RPC_WS',
    'TOCSIN_CONFIG',
    'TOCSIN_DATA_DIR',
    'TOCSIN_ENV',
  ])
  // Not even a volume: a folder that is gone with the container.
  expect(mountsOf('watcher').every(({ isReadOnly }) => isReadOnly)).toBe(true)
})

/** The folder /config as the containers see it, with the example's signer switched on. */
const layOut = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-compose-'))
  cleanups.push(() => rm(folder, { recursive: true, force: true }))
  const example = await readFile(at('watchlist.yaml'), 'utf8')
  const signer = /\n# signer:\n(?:# .*\n)+/.exec(example)?.[0]
  if (!signer) throw new Error('the example of a signer is gone')
  await writeFile(
    join(folder, 'watchlist.yaml'),
    example.replace(signer, signer.replaceAll('\n# ', '\n')),
  )
  const overlay = 'watchlist.compose.yaml'
  await copyFile(at(`deploy/compose/${overlay}`), join(folder, overlay))
  return folder
}

test('behavior: each process can start with what it gets, and gets no secret that it does not ask for', async () => {
  const folder = await layOut()
  let variables: readonly { readonly name: string; readonly part: SecretPart }[] = []
  const load = (name: ProcessName): Promise<Config> => {
    const { TOCSIN_ENV: env, ...given } = serviceOf(name).environment ?? {}
    const values = Object.keys(given).map((key) => [
      key,
      /RPC_WS$/.test(key) ? 'wss://x.example' : 'https://x.example',
    ])
    return loadConfig({
      file: join(folder, 'watchlist.yaml'),
      env,
      secrets: PROCESSES[name].secrets,
      environment: {
        ...Object.fromEntries(values),
        DATABASE_URL: 'postgres://x.example/x',
      },
      onVariables: (found) => {
        variables = found
      },
    })
  }
  for (const name of names) {
    const config = await load(name)
    const given = Object.keys(serviceOf(name).environment ?? {})
    expect(
      hiddenFrom(name, variables).filter((variable) => given.includes(variable)),
      name,
    ).toEqual([])
    // The secret of people comes by the environment alone: nobody makes a people.key.
    expect(config.people?.hasSecret, name).toBe(true)
    const { actionsDir } = config
    const mount = mountsOf(name).find(({ source }) => source === './policies')
    if (name !== 'intake' && name !== 'indexer')
      expect(mount?.target.replace('/config', folder), name).toBe(actionsDir)
    if (name === 'signer') expect(config.signer?.keystore).toBe(`${folder}/secrets/keystore.json`)
  }
  expect(variables.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['TOCSIN_PEOPLE_SECRET', 'TOCSIN_HALT_TOKEN', 'MAINNET_RPC_HTTP']),
  )
})

test('behavior: .env.example has a line for every variable, and no secret lies where the image is built from', async () => {
  const example = await readFile(at('.env.example'), 'utf8')
  const lines = new Set([...example.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name))
  const wanted = new Set([...text.matchAll(/\$\{([A-Z_]+)/g)].map(([, name]) => name))
  // The one that processes outside of containers read.
  lines.delete('DATABASE_URL')
  expect([...lines].toSorted()).toEqual([...wanted].toSorted())
  const ignored = (await readFile(at('.dockerignore'), 'utf8')).split('\n')
  for (const path of ['.env', '/secrets', '/deploy/prometheus/secrets', '/policies'])
    expect(ignored).toContain(path)
  expect((await readFile(at('.gitignore'), 'utf8')).split('\n')).toContain('/secrets/')
})
