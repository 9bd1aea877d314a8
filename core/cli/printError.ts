import { isTocsinError, messageOf } from '../base/index.ts'

/** Writes one clear message with its hints to stderr (as JSON where asked) and returns the exit code. */
export const printError = (error: unknown, options: { readonly json: boolean }): number => {
  const known = isTocsinError(error)
  const code = known ? error.code : 'internal'
  const hints = known ? error.hints : []
  const text = options.json
    ? JSON.stringify({ error: { code, message: messageOf(error), hints } })
    : [`tocsin: ${messageOf(error)}`, ...hints.map((hint) => `  ${hint}`)].join('\n')
  process.stderr.write(`${text}\n`)
  if (!known && process.env['TOCSIN_DEBUG'] && error instanceof Error)
    process.stderr.write(`${error.stack ?? ''}\n`)
  return known ? error.exitCode : 1
}
