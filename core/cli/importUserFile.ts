import { fileURLToPath } from 'node:url'
import { build, stop } from 'esbuild'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** From source core/index.ts, from dist core/index.js. */
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const PUBLIC_DOORS: Readonly<Record<string, string>> = {
  tocsin: here(`../index.${extension}`),
  'tocsin/testing': here(`../testing/index.${extension}`),
}
const OWN_PACKAGES = [here('../../node_modules'), here('../../../node_modules')]

/**
 * Imports a TypeScript or JavaScript file of a user's own, wherever it lies and whatever is installed there:
 * `tocsin` is this installation, packages come from beside the file, else from here (viem, zod).
 */
export const importUserFile = async (file: string): Promise<unknown> => {
  try {
    const { outputFiles } = await build({
      entryPoints: [file],
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      sourcemap: 'inline',
      logLevel: 'silent',
      nodePaths: OWN_PACKAGES,
      plugins: [
        {
          name: 'tocsin',
          setup: (builder) => {
            builder.onResolve({ filter: /^tocsin(\/testing)?$/ }, ({ path }) => {
              const door = PUBLIC_DOORS[path]
              return door === undefined ? undefined : { path: door }
            })
            // Node takes file: addresses; the bundler wants paths.
            builder.onResolve({ filter: /^file:/ }, ({ path }) => ({ path: fileURLToPath(path) }))
          },
        },
      ],
    })
    const code = outputFiles[0]?.contents ?? new Uint8Array()
    const url = `data:text/javascript;base64,${Buffer.from(code).toString('base64')}`
    return await import(/* @vite-ignore */ url)
  } finally {
    // Its helper process is not needed once the bots are loaded.
    await stop()
  }
}
