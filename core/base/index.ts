export * from './async.ts'
export * from './errors.ts'
export * from './json.ts'
export * from './types.ts'
