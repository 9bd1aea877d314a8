import { expect, test } from 'vitest'
import { checkExposure } from './checkExposure.ts'
import { isLoopback, isOwnHost } from './security.ts'

const URL = 'https://tocsin.example'
const codeOf = (
  own: Partial<Parameters<typeof checkExposure>[0]>,
  state: Partial<Parameters<typeof checkExposure>[1]> = {},
): string => {
  try {
    checkExposure(
      { host: '127.0.0.1', port: 0, ...own },
      { publicUrl: own.publicUrl, isSignInRequired: false, ...state },
    )
    return 'fine'
  } catch (error) {
    return (error as { code: string }).code
  }
}

test('default: loopback needs nobody; other machines need users and https', () => {
  expect(codeOf({})).toBe('fine')
  expect(codeOf({ open: true })).toBe('fine')
  expect(codeOf({ host: '0.0.0.0' })).toBe('console.exposed')
  expect(codeOf({ host: '0.0.0.0' }, { isSignInRequired: true })).toBe('console.exposed')
  expect(codeOf({ host: '0.0.0.0', publicUrl: URL })).toBe('console.exposed')
  expect(codeOf({ host: '0.0.0.0', publicUrl: URL }, { isSignInRequired: true })).toBe('fine')
  expect(codeOf({ host: '0.0.0.0', onlyLocal: true })).toBe('fine')
})

test('error: what is open to all stays on loopback, and passwords do not travel in the clear', () => {
  expect(codeOf({ host: '0.0.0.0', open: true, onlyLocal: true })).toBe('console.open_exposed')
  expect(codeOf({ publicUrl: 'http://tocsin.example' })).toBe('console.insecure_url')
  expect(codeOf({ publicUrl: 'http://127.0.0.1:4680' })).toBe('fine')
})

test('behavior: hosts that look like this machine are not it', () => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost'])
    expect(isLoopback(host)).toBe(true)
  for (const host of ['127.evil.example', '0.0.0.0', '128.0.0.1', 'localhost.evil.example', ''])
    expect(isLoopback(host)).toBe(false)
  expect(isOwnHost('localhost.evil.example', [])).toBe(false)
})
