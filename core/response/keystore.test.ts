import { expect, test } from 'vitest'
import { decodeKeystore, encodeKeystore } from './keystore.ts'

const KEY = '0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a'
/** As ethers writes it (scrypt r 8, p 1), of a well-known test key. */
const ETHERS =
  '{"address":"3c44cdddb6a900fa2b585dd299e03d12fa4293bc","id":"dd5f56d2-d2ce-4a89-b697-1490b9ae1d8a","version":3,"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"95243cf7f938aecd4847983f1e2fa102"},"ciphertext":"27317a5eb9c2a95dca10e525460514ed2eaa133b057b1ef72867f9d7f10fd72f","kdf":"scrypt","kdfparams":{"salt":"ca84ea47e3e949851c55a054f54aaf09668856752af5b52e2ee50b6caa039467","n":1024,"dklen":32,"p":1,"r":8},"mac":"729ef2cd560541a6254dc041351e30aca0dea4ee4377f13e8068700b8ba6f3eb"}}'
/** Parameters of an old test vector that OpenSSL does not do (r 1 with a large N). */
const BEYOND = ETHERS.replace('"n":1024', '"n":262144').replace('"r":8', '"r":1')

test('behavior: files of others open', async () => {
  expect(await decodeKeystore(ETHERS, 'pässword')).toBe(KEY)
})

test('default: what was sealed opens, with the standard cost', async () => {
  const { text, address } = await encodeKeystore(KEY, 'correct horse')
  expect(address).toBe('0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc')
  expect(JSON.parse(text).crypto.kdfparams).toMatchObject({ n: 131_072, r: 8, p: 1, dklen: 32 })
  expect(await decodeKeystore(text, 'correct horse')).toBe(KEY)
  expect(text).not.toContain(KEY.slice(2))
})

test('error: a wrong password, another format, or rubbish', async () => {
  await expect(decodeKeystore(ETHERS, 'password')).rejects.toMatchObject({
    code: 'keystore.password',
  })
  await expect(decodeKeystore('{}', 'x')).rejects.toMatchObject({ code: 'keystore.invalid' })
  await expect(decodeKeystore('not json', 'x')).rejects.toMatchObject({ code: 'keystore.invalid' })
  await expect(decodeKeystore(BEYOND, 'x')).rejects.toMatchObject({ code: 'keystore.invalid' })
  const greedy = ETHERS.replace('"n":1024', '"n":1099511627776')
  await expect(decodeKeystore(greedy, 'x')).rejects.toMatchObject({ code: 'keystore.invalid' })
})
