import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { createJwt } from './createJwt.ts'

const { decodeJwt } = createRequire(import.meta.url)('forta-agent') as {
  readonly decodeJwt: (token: string) => { readonly payload: Record<string, unknown> }
}
const tokenOf = (body: string): string =>
  (JSON.parse(createJwt(body, 1_000)) as { token: string }).token

test('behavior: a token is read by the SDK, with the claims that were asked for', () => {
  const { payload } = decodeJwt(tokenOf('{"claims":{"access":"data","exp":1234}}'))
  expect(payload).toMatchObject({ access: 'data', iat: 1_000, nbf: 970, exp: 1_234 })
  expect(decodeJwt(tokenOf('{}')).payload['exp']).toBe(1_030)
})

test('error: what is no request is told so', () => {
  expect(createJwt('none')).toContain('no claims')
  expect(createJwt(`{"claims":{"a":"${'x'.repeat(9_000)}"}}`)).toContain('too many')
})
