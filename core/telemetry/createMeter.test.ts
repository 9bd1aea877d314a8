import { expect, test } from 'vitest'
import { createMeter } from './createMeter.ts'

test('behavior: counters, gauges and histograms are served with the service as a label', async () => {
  const meter = createMeter({ service: 'watcher' })
  const blocks = meter.counter({ name: 'tocsin_b_total', help: 'Blocks.', labels: ['chain'] })
  blocks.add({ chain: 'local' }, 0)
  blocks.add({ chain: 'local' }, 2)
  const delay = meter.histogram({ name: 'tocsin_d_seconds', help: 'Delay.', buckets: [0.1, 1] })
  delay.observe({}, 0.1)
  delay.observe({}, 5)
  const head = meter.gauge({ name: 'tocsin_head_block', help: 'Head.', labels: ['chain'] })
  meter.onScrape(() => {
    head.clear()
    head.set({ chain: 'local' }, 7)
  })
  const { body, contentType } = await meter.scrape()
  expect(contentType).toContain('text/plain')
  expect(body).toContain('tocsin_b_total{chain="local",service="watcher"} 2')
  expect(body).toContain('tocsin_d_seconds_bucket{le="0.1",service="watcher"} 1')
  expect(body).toContain('tocsin_d_seconds_count{service="watcher"} 2')
  expect(body).toContain('tocsin_head_block{chain="local",service="watcher"} 7')
})

test('behavior: a reader that fails costs its own gauges and is counted', async () => {
  const meter = createMeter({ service: 'x' })
  const well = meter.gauge({ name: 'tocsin_well', help: 'Well.' })
  meter.onScrape(async () => {
    throw new Error('the database is away')
  })
  meter.onScrape(() => well.set({}, 1))
  const { body } = await meter.scrape()
  expect(body).toContain('tocsin_well{service="x"} 1')
  expect(body).toContain('tocsin_scrape_failures_total{service="x"} 1')
})

test('behavior: labels stay few, and a hostile value cannot break out of its line', async () => {
  const meter = createMeter({ service: 'x' })
  const many = meter.counter({ name: 'tocsin_many_total', help: 'Many.', labels: ['what'] })
  many.add({ what: 'a"} 1\nforged_total 9' })
  for (let i = 0; i < 2_500; i++) many.add({ what: `v${i}` })
  const { body } = await meter.scrape()
  const lines = body.split('\n')
  expect(lines.filter((line) => line.startsWith('forged_total'))).toEqual([])
  expect(lines.filter((line) => line.startsWith('tocsin_many_total')).length).toBe(2_001)
  expect(body).toContain('tocsin_many_total{what="other",service="x"} 501')
})
