// Adds to package-lock.json the platform packages that the registry in use did not offer when the lock was written.
// npm leaves them out, and `npm ci` then refuses the lock as incomplete. Run it after every change of dependencies:
//   npm install && node tools/completeLock.mjs
import { readFileSync, writeFileSync } from 'node:fs'

const file = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(file, 'utf8'))
const { packages } = lock

const OS = [
  'darwin',
  'linux',
  'win32',
  'freebsd',
  'openbsd',
  'netbsd',
  'android',
  'sunos',
  'aix',
  'openharmony',
]
const CPU = [
  ['arm64', 'arm64'],
  ['aarch64', 'arm64'],
  ['riscv64', 'riscv64'],
  ['s390x', 's390x'],
  ['ppc64', 'ppc64'],
  ['loong64', 'loong64'],
  ['mips64el', 'mips64el'],
  ['ia32', 'ia32'],
  ['x64', 'x64'],
  ['x86_64', 'x64'],
  ['wasm32', 'wasm32'],
  ['arm', 'arm'],
]

/** Platform of a package by its name, as `@esbuild/linux-arm64` and the like say it. */
const platformOf = (name) => {
  const tail = name.split('/').pop()
  const os = OS.find((word) => tail.includes(word))
  const cpu = CPU.find(([word]) => tail.includes(word))?.[1]
  const libc = tail.includes('musl')
    ? 'musl'
    : os === 'linux' && /gnu|glibc/.test(tail)
      ? 'glibc'
      : undefined
  return { os, cpu, libc }
}

/** Where node would find `name` from the package at `from`. */
const find = (from, name) => {
  for (
    let base = from;
    ;
    base = base.includes('/node_modules/') ? base.slice(0, base.lastIndexOf('/node_modules/')) : ''
  ) {
    const path = `${base === '' ? '' : `${base}/`}node_modules/${name}`
    if (packages[path]) return path
    if (base === '') return undefined
  }
}

let added = 0
for (const [path, entry] of Object.entries(packages)) {
  if (path === '') continue
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    if (!/^\d+\.\d+\.\d+/.test(range)) continue
    const at = find(path, name)
    if (at && packages[at].version === range) continue
    const { os, cpu, libc } = platformOf(name)
    packages[
      at || packages[`node_modules/${name}`]
        ? `${path}/node_modules/${name}`
        : `node_modules/${name}`
    ] = {
      version: range,
      ...(cpu ? { cpu: [cpu] } : {}),
      ...(entry.dev ? { dev: true } : {}),
      ...(libc ? { libc: [libc] } : {}),
      optional: true,
      ...(os ? { os: [os] } : {}),
    }
    added++
  }
}
lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1)))
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
process.stdout.write(`${added} platform packages added.\n`)
