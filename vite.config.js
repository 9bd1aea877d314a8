/**
 * How Ponder loads the indexer: it runs the sources by Vite, which else watches every file of this folder and looks for
 * packages to bundle. Nothing here changes while it runs.
 */
export default {
  server: { watch: null },
  optimizeDeps: { noDiscovery: true, include: [] },
}
