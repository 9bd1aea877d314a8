import { expect, test } from 'vitest'
import { createPeopleSecret } from '../../response/light.ts'
import { createPace } from './pace.ts'
import { openTicket, seal, sealTicket, unseal } from './seal.ts'
import { encodeBase32, findStep, hotp, otpauthUri, stepAt } from './totp.ts'

const KEY = Buffer.from('12345678901234567890')
const secret = createPeopleSecret('a-secret-of-people-that-is-long-enough')

test('default: the test vectors of RFC 6238 (SHA-1) and RFC 4226', () => {
  const vectors = [
    [59, '94287082'],
    [1_111_111_109, '07081804'],
    [1_111_111_111, '14050471'],
    [1_234_567_890, '89005924'],
    [2_000_000_000, '69279037'],
    [20_000_000_000, '65353130'],
  ] as const
  for (const [seconds, code] of vectors)
    expect([seconds, hotp(KEY, stepAt(seconds * 1_000), 8)]).toEqual([seconds, code])
  expect([0, 1, 9].map((counter) => hotp(KEY, counter))).toEqual(['755224', '287082', '520489'])
  expect(encodeBase32(KEY)).toBe('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ')
})

test('behavior: a code counts one step early or late, no further, and none twice', () => {
  const at = (step: number) => step * 30_000 + 5_000
  const code = hotp(KEY, 1_000)
  expect(
    [998, 999, 1_000, 1_001, 1_002].map((step) => findStep(KEY, code, { now: at(step) })),
  ).toEqual([undefined, 1_000, 1_000, 1_000, undefined])
  expect(findStep(KEY, code, { now: at(1_000), after: 999 })).toBe(1_000)
  expect(findStep(KEY, code, { now: at(1_000), after: 1_000 })).toBeUndefined()
})

test('behavior: the link to the authenticator names issuer and account, whatever they are', () => {
  expect(otpauthUri(KEY, 'ada@example.org', 'Tocsin main&co')).toBe(
    'otpauth://totp/Tocsin%20main%26co:ada%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Tocsin%20main%26co&digits=6&period=30',
  )
})

test('behavior: what is sealed opens for its purpose and its person alone, and not after its time', () => {
  const sealed = seal(secret, 'totp', 'ada', 'x')
  expect(unseal(secret, 'totp', 'ada', sealed)).toBe('x')
  expect(unseal(secret, 'totp', 'eve', sealed)).toBeUndefined()
  expect(unseal(secret, 'enrol', 'ada', sealed)).toBeUndefined()
  const other = createPeopleSecret('another-secret-of-people-that-is-long')
  expect(unseal(other, 'totp', 'ada', sealed)).toBeUndefined()
  for (const odd of ['', 'x', `${sealed.slice(0, -2)}AA`])
    expect(unseal(secret, 'totp', 'ada', odd)).toBeUndefined()
  const ticket = sealTicket(secret, 'sign-in', { text: 'ada', expiresMs: 1_000 })
  expect(openTicket(secret, 'sign-in', ticket, '', 999)).toBe('ada')
  expect(openTicket(secret, 'sign-in', ticket, '', 1_000)).toBeUndefined()
  expect(openTicket(secret, 'invite', ticket, '', 999)).toBeUndefined()
})

test('behavior: requests grow back with time, for each on their own', () => {
  let now = 0
  const pace = createPace(() => now)
  const tryIt = (key: string): number => {
    try {
      pace(key, 60, 'You may send')
      return 0
    } catch (error) {
      return (error as { retry: { afterMs: number } }).retry.afterMs
    }
  }
  expect(Array.from({ length: 60 }, () => tryIt('ada')).every((wait) => wait === 0)).toBe(true)
  expect([tryIt('ada'), tryIt('grace')]).toEqual([1_000, 0])
  now = 600
  expect(tryIt('ada')).toBe(400)
  now = 1_000
  expect([tryIt('ada'), tryIt('ada')]).toEqual([0, 1_000])
})
