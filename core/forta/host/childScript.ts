import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

let bundled: Promise<string> | undefined

/** Node runs no TypeScript: from source, the child's program is compiled once per process. */
const bundle = async (): Promise<string> => {
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../child/main.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'silent',
  })
  const file = join(await mkdtemp(join(tmpdir(), 'tocsin-forta-child-')), 'main.mjs')
  await writeFile(file, outputFiles[0]?.contents ?? '')
  return file
}

/** Path of the program that runs one hosted bot. */
export const findChildScript = async (): Promise<string> => {
  if (!import.meta.url.endsWith('.ts'))
    return fileURLToPath(new URL('../child/main.js', import.meta.url))
  bundled ??= bundle()
  return bundled
}
