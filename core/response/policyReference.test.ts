import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { loadActions } from './loadActions.ts'
import { parsePolicy } from './parsePolicy.ts'
import { exportPolicySchema, listPolicyFields, renderPolicyReference } from './policyReference.ts'

const read = (name: string): string =>
  readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8')
const example = (): string =>
  /```yaml\n([\s\S]+?)\n```/.exec(read('policy-reference.md'))?.[1] ?? 'no example'
const actions = await loadActions()
const faultsOf = (text: string): readonly string[] => {
  const result = parsePolicy(text, { file: 'p.yaml', expectedId: 'pause-vault', actions })
  return result.ok ? [] : result.faults.map(({ message }) => message)
}

test('behavior: docs/policy.schema.json is what the schema says today', () => {
  // When this fails: `tocsin actions schema > docs/policy.schema.json`
  expect(JSON.parse(read('policy.schema.json'))).toEqual(
    JSON.parse(JSON.stringify(exportPolicySchema())),
  )
})

test('behavior: docs/policy-reference.md is what the schema says today', () => {
  // When this fails: `tocsin actions schema --markdown > docs/policy-reference.md`
  expect(read('policy-reference.md')).toBe(renderPolicyReference())
})

/** Paths of all that stands in a value, as the reference writes them. */
const pathsIn = (value: unknown, path = ''): readonly string[] => {
  if (Array.isArray(value)) return value.flatMap((each) => pathsIn(each, `${path}[]`))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    const own = path === '' ? key : `${path}.${key}`
    return [own, ...pathsIn(inner, own)]
  })
}

test('behavior: the example is a valid policy in which every field stands', () => {
  expect(faultsOf(example())).toEqual([])
  const fields = listPolicyFields()
  expect(fields).toContain('simulation.assertions.storage[].slots')
  expect([...new Set(pathsIn(parse(example())))].toSorted()).toEqual(fields.toSorted())
})

test('behavior: an editor with the exported schema takes the example, and not a wrong one', () => {
  const judge = z.fromJSONSchema(exportPolicySchema() as Parameters<typeof z.fromJSONSchema>[0])
  const right: Record<string, unknown> = parse(example())
  expect(judge.safeParse(right).error?.issues).toBeUndefined()
  const wrong: readonly Record<string, unknown>[] = [
    { mode: 'yolo' },
    { surprise: 1 },
    { target: '0x12' },
    { cooldownS: -1 },
    { senders: [] },
    { simulation: { mode: 'required' } },
    { limits: undefined },
  ]
  for (const change of wrong) {
    const { limits, ...rest } = right
    const policy = 'limits' in change ? rest : { ...rest, limits, ...change }
    expect(judge.safeParse(policy).success, JSON.stringify(change)).toBe(false)
  }
})

test('behavior: bounds that the reference states in words are those that hold', () => {
  const gas = (amount: number): readonly string[] =>
    faultsOf(
      example()
        .replace('gasLimit: 200000', `gasLimit: ${amount}`)
        .replace('maxSpendWeiPer24h: 0.5 ether', 'maxSpendWeiPer24h: 100 ether'),
    )
  expect(read('policy-reference.md')).toContain('whole number, 21000 to 30000000')
  expect(gas(21_000)).toEqual([])
  expect(gas(30_000_000)).toEqual([])
  expect(gas(20_999)).toEqual([expect.stringContaining('gasLimit: gas between')])
  expect(gas(30_000_001)).toEqual([expect.stringContaining('gasLimit: gas between')])
  expect(faultsOf(example().replace('value: 0', 'value: 1'))).toHaveLength(1)
})
