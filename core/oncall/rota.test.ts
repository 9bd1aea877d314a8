import { describe, expect, test } from 'vitest'
import { isBusinessTime, nextBusinessTime } from './businessHours.ts'
import { atClock, inZone } from './localTime.ts'
import { shiftAt } from './rotation.ts'
import { teamsOf } from './teamsOf.ts'
import { onCallConfig } from './testSupport.ts'
import type { Hours, Layer, Override } from './types.ts'
import { listSchedule, whoIsOnCall } from './whoIsOnCall.ts'

const layer = (facts: Partial<Layer> = {}): Layer => ({
  people: ['ada', 'bo', 'cy'],
  zone: 'Europe/Berlin',
  handOver: { day: 'monday', time: '09:00' },
  everyWeeks: 1,
  from: '2026-01-05',
  ...facts,
})
const at = (iso: string): Date => new Date(iso)
const override = (facts: Partial<Override> = {}): Override => ({
  id: 'o_1',
  team: 'on-chain',
  level: 'primary',
  person: 'di',
  startsAt: at('2026-01-07T00:00:00Z'),
  endsAt: at('2026-01-08T00:00:00Z'),
  createdAt: at('2026-01-01T00:00:00Z'),
  ...facts,
})

describe('rotation', () => {
  test('behavior: the person who comes has the very moment of the hand-over', () => {
    expect(shiftAt(layer(), at('2026-01-12T07:59:59.999Z')).person).toBe('ada')
    expect(shiftAt(layer(), at('2026-01-12T08:00:00.000Z')).person).toBe('bo')
  })

  test.each([
    // Zone, a hand-over before the change and the one after it, and how long the shift between them is (h).
    ['Europe/Berlin', '2026-03-23T08:00:00Z', '2026-03-30T07:00:00Z', 167],
    ['Europe/Berlin', '2026-10-19T07:00:00Z', '2026-10-26T08:00:00Z', 169],
    ['America/New_York', '2026-03-02T14:00:00Z', '2026-03-09T13:00:00Z', 167],
    ['America/New_York', '2026-10-26T13:00:00Z', '2026-11-02T14:00:00Z', 169],
    ['Australia/Lord_Howe', '2026-03-29T22:00:00Z', '2026-04-05T22:30:00Z', 168.5],
    ['Australia/Lord_Howe', '2026-09-27T22:30:00Z', '2026-10-04T22:00:00Z', 167.5],
  ])(
    'behavior: in %s the hand-over of %s to %s keeps its clock time',
    (zone, first, next, hours) => {
      const own = layer({ zone })
      const shift = shiftAt(own, at(first))
      expect(shift.since).toEqual(at(first))
      expect(shift.until).toEqual(at(next))
      expect((+shift.until - +shift.since) / 3_600_000).toBe(hours)
      expect(shiftAt(own, new Date(+at(next) - 1)).person).toBe(shift.person)
      expect(shiftAt(own, at(next)).person).toBe(shift.next[0])
    },
  )

  test('behavior: every moment of a year belongs to exactly one shift, and shifts join', () => {
    for (const zone of ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe']) {
      // A hand-over in the hour that the clocks skip or repeat.
      const own = layer({ zone, handOver: { day: 'sunday', time: '02:30' } })
      let shift = shiftAt(own, at('2025-12-20T00:00:00Z'))
      for (let count = 0; count < 54; count++) {
        const next = shiftAt(own, shift.until)
        expect(next.since).toEqual(shift.until)
        expect(next.person).toBe(shift.next[0])
        expect(shiftAt(own, new Date(+shift.until - 1)).person).toBe(shift.person)
        shift = next
      }
    }
  })

  test('behavior: a time that is skipped is as much later, one that comes twice is the first', () => {
    const berlin = (iso: string) => inZone(at(iso), 'Europe/Berlin')
    expect(atClock(berlin('2026-03-29T12:00:00Z'), '02:30').toJSDate()).toEqual(
      at('2026-03-29T01:30:00Z'),
    )
    expect(atClock(berlin('2026-10-25T12:00:00Z'), '02:30').toJSDate()).toEqual(
      at('2026-10-25T00:30:00Z'),
    )
  })

  test('behavior: shifts of two weeks, and times before the first one', () => {
    const own = layer({ everyWeeks: 2 })
    expect(shiftAt(own, at('2026-01-18T12:00:00Z')).person).toBe('ada')
    expect(shiftAt(own, at('2026-01-19T08:00:00Z')).person).toBe('bo')
    expect(shiftAt(own, at('2026-01-05T07:59:59Z')).person).toBe('cy')
  })
})

describe('who is on call', () => {
  const config = onCallConfig()

  test('behavior: the secondary is the next person, and never the primary', () => {
    const now = whoIsOnCall(config, [], 'on-chain', at('2026-01-06T12:00:00Z'))
    expect([now.primary?.person, now.secondary?.person, now.lead]).toEqual(['ada', 'bo', ['di']])
    const stands = override({ person: 'bo' })
    const then = whoIsOnCall(config, [stands], 'on-chain', at('2026-01-07T12:00:00Z'))
    expect([then.primary?.person, then.secondary?.person]).toEqual(['bo', 'cy'])
  })

  test('behavior: an override begins and ends at its moments, and cuts the shift around it', () => {
    const who = (iso: string) => whoIsOnCall(config, [override()], 'on-chain', at(iso)).primary
    expect(who('2026-01-06T23:59:59.999Z')).toMatchObject({
      person: 'ada',
      until: at('2026-01-07T00:00:00Z'),
    })
    expect(who('2026-01-07T00:00:00Z')).toMatchObject({ person: 'di', override: 'o_1' })
    expect(who('2026-01-08T00:00:00Z')).toMatchObject({
      person: 'ada',
      since: at('2026-01-08T00:00:00Z'),
    })
  })

  test('behavior: of two overrides the newer counts; one for somebody who is gone does not', () => {
    const newer = override({ id: 'o_2', person: 'cy', createdAt: at('2026-01-02T00:00:00Z') })
    const gone = override({ id: 'o_3', person: 'nobody', createdAt: at('2026-01-03T00:00:00Z') })
    const now = whoIsOnCall(
      config,
      [override(), newer, gone],
      'on-chain',
      at('2026-01-07T12:00:00Z'),
    )
    expect(now.primary?.person).toBe('cy')
  })

  test('behavior: a layer of the night counts from evening to morning, on its days alone', () => {
    const nights = {
      ...layer({ people: ['di'] }),
      only: { days: ['friday' as const], between: ['20:00', '08:00'] as [string, string] },
    }
    const own = {
      ...config,
      rotations: { ...config.rotations, chain: { layers: [layer(), nights] } },
    }
    const who = (iso: string) => whoIsOnCall(own, [], 'on-chain', at(iso)).primary?.person
    expect(who('2026-01-09T18:59:59Z')).toBe('ada')
    expect(who('2026-01-09T19:00:00Z')).toBe('di')
    expect(who('2026-01-10T06:59:59Z')).toBe('di')
    expect(who('2026-01-10T07:00:00Z')).toBe('ada')
    expect(who('2026-01-10T20:00:00Z')).toBe('ada')
  })

  test('behavior: the schedule has no gap and names each change', () => {
    const [from, to] = [at('2026-03-20T00:00:00Z'), at('2026-04-17T00:00:00Z')]
    const stand = override({
      startsAt: at('2026-03-25T08:00:00Z'),
      endsAt: at('2026-03-25T16:00:00Z'),
    })
    const entries = listSchedule(config, [stand], 'on-chain', from, to)
    expect(entries.map(({ primary }) => primary)).toEqual([
      'bo',
      'cy',
      'di',
      'cy',
      'ada',
      'bo',
      'cy',
    ])
    for (const [index, entry] of entries.entries())
      expect(entry.to).toEqual(entries[index + 1]?.from ?? to)
    expect(entries[2]).toMatchObject({ isOverride: true, secondary: 'ada' })
  })

  test('error: a team that is not there', () => {
    expect(() => whoIsOnCall(config, [], 'other', at('2026-01-06T12:00:00Z'))).toThrow(/no team/)
  })
})

describe('business hours', () => {
  const hours: Hours = {
    zone: 'Europe/Berlin',
    days: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'],
    between: ['09:00', '18:00'],
    holidays: ['2026-12-25'],
  }

  test('behavior: begins at its first minute and is over at its last', () => {
    expect(isBusinessTime(hours, at('2026-12-23T07:59:59Z'))).toBe(false)
    expect(isBusinessTime(hours, at('2026-12-23T08:00:00Z'))).toBe(true)
    expect(isBusinessTime(hours, at('2026-12-23T16:59:59Z'))).toBe(true)
    expect(isBusinessTime(hours, at('2026-12-23T17:00:00Z'))).toBe(false)
  })

  test('behavior: over a holiday and a weekend it is Monday', () => {
    expect(nextBusinessTime(hours, at('2026-12-24T18:00:00Z'))).toEqual(at('2026-12-28T08:00:00Z'))
  })

  test('behavior: on the Monday after the clocks changed it is nine by the new time', () => {
    expect(nextBusinessTime(hours, at('2026-03-27T20:00:00Z'))).toEqual(at('2026-03-30T07:00:00Z'))
    expect(nextBusinessTime(hours, at('2026-10-23T20:00:00Z'))).toEqual(at('2026-10-26T08:00:00Z'))
  })

  test('behavior: a window past midnight belongs to the day it begins on', () => {
    const late: Hours = { ...hours, days: ['friday'], between: ['22:00', '02:00'] }
    expect(isBusinessTime(late, at('2026-01-10T00:30:00Z'))).toBe(true)
    expect(isBusinessTime(late, at('2026-01-10T01:00:00Z'))).toBe(false)
    expect(isBusinessTime(late, at('2026-01-09T00:30:00Z'))).toBe(false)
  })
})

describe('teams', () => {
  const config = onCallConfig()
  const facts = (changes: Partial<Parameters<typeof teamsOf>[1]> = {}) => ({
    botId: 'tvl-drop',
    alertId: 'TVL-DROP',
    chainId: 1,
    owner: null,
    thing: null,
    protocol: null,
    ...changes,
  })

  test.each([
    ['what happens on chain', facts(), ['on-chain']],
    [
      'a node that is behind',
      facts({ botId: 'tocsin', alertId: 'CHAIN-LAG', chainId: 0 }),
      ['infrastructure'],
    ],
    [
      'a proposal that waits',
      facts({ botId: 'tocsin', alertId: 'PROPOSAL', chainId: 0 }),
      ['on-chain'],
    ],
    [
      'an exchange that is lost',
      facts({ botId: 'external-desk', alertId: 'EXCHANGE-LOST', chainId: 0 }),
      ['trading'],
    ],
    [
      'profit and loss',
      facts({ botId: 'external-desk', alertId: 'PNL-DEVIATION', chainId: 0 }),
      ['trading', 'risk'],
    ],
    [
      'a full disk',
      facts({ botId: 'external-nodes', alertId: 'HOST-DISK', chainId: 0 }),
      ['infrastructure'],
    ],
    ['an owner who is called like a team', facts({ owner: 'risk' }), ['risk']],
    ['something nobody knows', facts({ botId: 'external-x', chainId: 0 }), ['on-chain']],
  ])('behavior: %s', (_, given, expected) => {
    expect(teamsOf(config, given)).toEqual(expected)
  })

  test('behavior: a match of a team goes before all names', () => {
    const { teams } = config
    const trading = {
      ...teams['trading'],
      primary: 'chain',
      lead: ['di'],
      match: { alertId: ['TVL-*'] },
    }
    expect(teamsOf({ ...config, teams: { ...teams, trading } }, facts())).toEqual(['trading'])
  })
})
