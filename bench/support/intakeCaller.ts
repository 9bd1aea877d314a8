import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * A sender in a process of its own: `flood` posts as fast as answers come, on many connections; `calm` posts one
 * delivery after another with pauses and says how long each took (ms) and how it was answered.
 */
const [mode = 'calm', url = '', token = '', seconds = '5'] = process.argv.slice(2)
const agent = new Agent({ keepAlive: true, maxSockets: 64 })
const until = Date.now() + Number(seconds) * 1_000
let serial = 0

const post = (): Promise<number> =>
  new Promise((resolve) => {
    const body = JSON.stringify({
      version: '4',
      status: 'firing',
      alerts: [
        {
          status: 'firing',
          labels: { alertname: 'Bench' },
          annotations: {},
          startsAt: '2026-11-21T10:15:30.000Z',
          fingerprint: `${process.pid}-${serial++}`,
        },
      ],
    })
    const call = request(
      url,
      {
        agent,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          authorization: `Bearer ${token}`,
        },
      },
      (answer) => {
        answer.resume()
        answer.on('end', () => resolve(answer.statusCode ?? 0))
      },
    )
    call.on('error', () => resolve(0))
    call.end(body)
  })

const counts: Record<string, number> = {}
const times: number[] = []
const work = async (pauseMs: number): Promise<void> => {
  while (Date.now() < until) {
    const from = performance.now()
    const status = await post()
    times.push(performance.now() - from)
    counts[status] = (counts[status] ?? 0) + 1
    if (pauseMs > 0) await delay(pauseMs)
  }
}

await Promise.all(mode === 'flood' ? Array.from({ length: 64 }, () => work(0)) : [work(25)])
process.send?.({ counts, times: mode === 'calm' ? times : [] })
process.disconnect?.()
agent.destroy()
