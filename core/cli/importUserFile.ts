import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, type PluginBuild, stop } from 'esbuild'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** From source core/index.ts, from dist core/index.js. */
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const PUBLIC_DOORS: Readonly<Record<string, string>> = {
  tocsin: here(`../index.${extension}`),
  'tocsin/testing': here(`../testing/index.${extension}`),
}
const isCompiled = extension === 'js'
const OWN_PACKAGES = [here('../../node_modules'), here('../../../node_modules')]

/**
 * What Tocsin has loaded already (itself, viem, zod) is not bundled again: a second copy costs most of a second, and
 * its classes are not the first one's. Only the compiled program can: Node does not import sources.
 */
const shareOwnPackages = (builder: PluginBuild): void => {
  builder.onResolve({ filter: /^(viem|zod)(\/.*)?$/ }, async ({ path, pluginData, ...options }) => {
    if (pluginData === SHARED) return undefined
    const found = await builder.resolve(path, { ...options, pluginData: SHARED })
    const isOwn = OWN_PACKAGES.some((folder) => found.path.startsWith(folder))
    if (found.errors.length > 0 || !isOwn) return undefined
    return { path: import.meta.resolve(path), external: true }
  })
}
const SHARED = Symbol('resolved once already')

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
      // Stack traces name the file, not the whole of its text.
      footer: { js: `//# sourceURL=${pathToFileURL(file).href}` },
      logLevel: 'silent',
      nodePaths: OWN_PACKAGES,
      plugins: [
        {
          name: 'tocsin',
          setup: (builder) => {
            builder.onResolve({ filter: /^tocsin(\/testing)?$/ }, ({ path }) => {
              const door = PUBLIC_DOORS[path]
              if (door === undefined) return undefined
              return isCompiled
                ? { path: pathToFileURL(door).href, external: true }
                : { path: door }
            })
            if (isCompiled) shareOwnPackages(builder)
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
