import { serveKeyValues } from './keyValueStore.ts'

/** Loaded before the SDK's own command line: a bot that is compared has its store on both sides. */
serveKeyValues(process.cwd())
