import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

type ChildProgram = 'main' | 'preloadStore'
const bundled = new Map<ChildProgram, Promise<string>>()

/** Node runs no TypeScript: from source, a program of the child is compiled once per process. */
const bundle = async (name: ChildProgram): Promise<string> => {
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`../child/${name}.ts`, import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'silent',
  })
  const file = join(await mkdtemp(join(tmpdir(), 'tocsin-forta-child-')), `${name}.mjs`)
  await writeFile(file, outputFiles[0]?.contents ?? '')
  return file
}

/** Path of a program that runs beside a bot: the whole child, or what the SDK's own command line is to load first. */
export const findChildScript = async (name: ChildProgram = 'main'): Promise<string> => {
  if (!import.meta.url.endsWith('.ts'))
    return fileURLToPath(new URL(`../child/${name}.js`, import.meta.url))
  const made = bundled.get(name) ?? bundle(name)
  bundled.set(name, made)
  return made
}
