import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { findFreePort, isPortFree, tryPort } from './ports.ts'

test('default: a free port is found outside of those for outgoing connections', async () => {
  for (let i = 0; i < 50; i++) {
    const port = await findFreePort(3)
    expect(port).toBeGreaterThanOrEqual(10_000)
    expect(await isPortFree(port + 2)).toBe(true)
  }
})

test('error: a port that is taken is told as such', async () => {
  const server = createServer()
  const port = await findFreePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  try {
    expect(await isPortFree(port)).toBe(false)
    await expect(tryPort(port)).rejects.toMatchObject({ code: 'EADDRINUSE' })
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
})
