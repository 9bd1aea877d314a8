import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Hex } from '../base/index.ts'
import {
  type ActionDefinition,
  describeCall,
  findLoweredGuard,
  listForbidden,
} from '../response/index.ts'
import { type ActionScene, createActionRig } from './actionRig.ts'
import type { ConformanceCase } from './botConformance.ts'

export type ActionConformanceOptions = {
  /** Built once; every case works on it and leaves it as it was. */
  readonly scene: () => Promise<ActionScene>
  /** Parameters that a policy of this kind must not have. */
  readonly badParameters?: readonly unknown[]
  /** Path or URL of the runbook. Default: `actions/<id>/runbook.md` in the working directory. */
  readonly runbook?: string | URL
}

const HEADINGS = ['When it fired', 'When it failed', 'False alarm', 'Readiness', 'Damage bound']

/** Every calldata that is one change away: a word of an argument set to nothing, bytes cut off or hung on. */
const mutate = (calldata: Hex): readonly Hex[] => {
  const zeroed: Hex[] = []
  for (let at = 10; at + 64 <= calldata.length; at += 64) {
    const word = calldata.slice(at, at + 64)
    if (/[1-9a-f]/.test(word))
      zeroed.push(`${calldata.slice(0, at)}${'0'.repeat(64)}${calldata.slice(at + 64)}` as Hex)
  }
  return [
    ...zeroed,
    `${calldata}00`,
    `${calldata}${'0'.repeat(64)}`,
    ...(calldata.length > 10 ? [calldata.slice(0, 10) as Hex, calldata.slice(0, -2) as Hex] : []),
  ]
}

const freeze = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null) {
    for (const each of Object.values(value)) freeze(each)
    Object.freeze(value)
  }
  return value
}

type OnScene = (
  work: (rig: ReturnType<typeof createActionRig>, scene: ActionScene) => Promise<void>,
) => () => Promise<void>

const policyCases = (
  action: ActionDefinition,
  options: ActionConformanceOptions,
  onScene: OnScene,
): readonly ConformanceCase[] => [
  {
    name: 'conformance: the calldata follows from the policy and nothing else',
    run: onScene(async ({ facts }) => {
      const first = action.encode(freeze(structuredClone(facts)))
      assert.equal(action.encode(structuredClone(facts)), first)
      assert.equal(action.encode({ ...facts, chain: facts.chain + 1 }), first)
      assert.match(first, /^0x([0-9a-f]{2}){4,}$/)
      assert.deepEqual(
        action.postcondition.calls(facts),
        action.postcondition.calls(structuredClone(facts)),
      )
    }),
  },
  {
    name: 'conformance: it can call nothing that lowers a guard',
    run: onScene(async ({ facts, parse }) => {
      const calldata = action.encode(facts)
      if (action.selectors === 'any') assert.equal(findLoweredGuard(calldata), undefined)
      else assert.ok(action.selectors.some((each) => calldata.startsWith(each)))
      for (const { selector, name } of listForbidden()) {
        if (action.selectors !== 'any') assert.ok(!action.selectors.includes(selector), name)
        const bad = await parse({ calldata: `${selector}${calldata.slice(10)}` })
        assert.ok(!bad.ok, `a policy that calls ${name} is taken`)
      }
    }),
  },
  {
    name: 'conformance: people are shown what is called in words',
    run: onScene(async ({ facts }) => {
      if (!action.functions) return
      const text = describeCall(action, { ...facts, calldata: action.encode(facts) })
      assert.match(text ?? '', /^\w+\(.*\)$/, 'its `functions` do not decode its calldata')
    }),
  },
  {
    name: 'conformance: a policy with other bytes is refused',
    run: onScene(async ({ facts, parse }) => {
      const right = await parse()
      assert.ok(right.ok, right.ok ? '' : JSON.stringify(right.faults))
      for (const calldata of mutate(action.encode(facts))) {
        assert.ok(!(await parse({ calldata })).ok, `a policy with ${calldata} is taken`)
      }
    }),
  },
  {
    name: 'conformance: a policy with other parameters is refused',
    run: onScene(async ({ facts, parse }) => {
      const unknown = { ...facts.parameters, unheardOf: 1 }
      for (const parameters of [unknown, ...(options.badParameters ?? [])]) {
        const parsed = await parse({ parameters })
        assert.ok(!parsed.ok, `a policy with ${JSON.stringify(parameters)} is taken`)
        assert.ok(parsed.faults.every(({ message }) => message.startsWith('parameters')))
      }
    }),
  },
]

const chainCases = (action: ActionDefinition, onScene: OnScene): readonly ConformanceCase[] => [
  {
    name: 'conformance: the post-condition is false before and true after, on chain',
    run: onScene(async ({ isEffective, prepare, send }) => {
      assert.equal(await isEffective(), false, 'it holds before the action')
      const { success, revertData } = await send(await prepare())
      assert.ok(success, `the call reverts: ${revertData}`)
      assert.equal(await isEffective(), true, 'it does not hold after the action')
    }),
  },
  {
    name: 'conformance: nothing but the effect itself is taken for it',
    run: onScene(async ({ facts }) => {
      const count = action.postcondition.calls(facts).length
      const words = (word: Hex): readonly Hex[] => Array.from({ length: count }, () => word)
      const zero: Hex = `0x${'0'.repeat(64)}`
      for (const data of [[], words('0x'), words(zero), words('0x1'), words(`${zero}00`)])
        assert.equal(action.postcondition.holds(data, facts), false, JSON.stringify(data))
    }),
  },
  {
    name: 'conformance: a second run changes nothing',
    run: onScene(async ({ isEffective, prepare, send }, { guards }) => {
      await send(await prepare())
      const before = await guards()
      await send(await prepare())
      assert.equal(await isEffective(), true)
      assert.deepEqual(await guards(), before)
    }),
  },
  {
    name: 'conformance: it lowers no guard that stands raised',
    run: onScene(async ({ isEffective, prepare, send }, { guards, raiseOthers }) => {
      await raiseOthers?.()
      const before = await guards()
      if (raiseOthers) assert.ok(before.includes(true), 'raiseOthers raises nothing')
      assert.ok((await send(await prepare())).success)
      const after = await guards()
      assert.deepEqual(
        before.map((raised, index) => raised && after[index] !== true),
        before.map(() => false),
      )
      assert.equal(await isEffective(), true)
    }),
  },
  {
    name: 'conformance: no calldata is accepted that raises less than the policy',
    run: onScene(async ({ facts, prepare }, { raiseOthers }) => {
      const { adapt } = action
      if (!adapt) return
      await raiseOthers?.()
      assert.ok(adapt.accepts(facts, action.encode(facts)))
      assert.ok(adapt.accepts(facts, await prepare()))
      for (const calldata of [...mutate(action.encode(facts)), '0x', '0x12345678'] as const)
        assert.ok(!adapt.accepts(facts, calldata), `${calldata} is accepted`)
    }),
  },
]

const probeCases = (onScene: OnScene): readonly ConformanceCase[] => [
  {
    name: 'conformance: the probe is content with a signer that can act',
    run: onScene(async ({ probe }) => {
      const results = await probe()
      assert.ok(results.length > 0, 'it probes nothing')
      for (const { ok, name, message } of results) assert.ok(ok, `${name}: ${message}`)
    }),
  },
  {
    name: 'conformance: the probe sees when the signer could not act, and says why',
    run: onScene(async ({ probe }, { anvil, breaks }) => {
      assert.ok(Object.keys(breaks).length > 0, 'the scene takes no right away')
      for (const [what, takeAway] of Object.entries(breaks)) {
        const snapshot = await anvil.rpc('evm_snapshot')
        await takeAway()
        const failed = (await probe()).filter(({ ok }) => !ok)
        assert.ok(failed.length > 0, `the probe is content after "${what}"`)
        for (const { message } of failed) assert.match(message, /\S{2,} .*\.$/)
        await anvil.rpc('evm_revert', [snapshot])
      }
    }),
  },
]

const readWords = (action: ActionDefinition, runbook: string | URL | undefined): void => {
  assert.match(action.summary, /^[A-Z].*\.$/)
  assert.ok(action.postcondition.description.length > 0)
  const file = runbook ?? join('actions', action.id, 'runbook.md')
  assert.ok(existsSync(file), `there is no runbook ${String(file)}`)
  const text = readFileSync(file, 'utf8')
  for (const heading of HEADINGS)
    assert.ok(text.includes(`\n## ${heading}\n`), `the runbook lacks "## ${heading}"`)
}

/**
 * What every action type must hold to: its calldata follows from the policy alone and is no other, it cannot lower a
 * guard, its post-condition is false before and true after on chain, a second run changes nothing, its probe sees when
 * the signer could not act, and it has a complete runbook. Each case is one test.
 * @example for (const { name, run } of actionConformance(pause, { scene })) test(name, run)
 */
export const actionConformance = (
  action: ActionDefinition,
  options: ActionConformanceOptions,
): readonly ConformanceCase[] => {
  let built: Promise<ActionScene> | undefined
  const onScene: OnScene = (work) => async () => {
    built ??= options.scene()
    const scene = await built
    const snapshot = await scene.anvil.rpc('evm_snapshot')
    try {
      await work(createActionRig(action, scene), scene)
    } finally {
      await scene.anvil.rpc('evm_revert', [snapshot])
    }
  }

  return [
    ...policyCases(action, options, onScene),
    ...chainCases(action, onScene),
    ...probeCases(onScene),
    {
      name: 'conformance: the words are there',
      run: async () => readWords(action, options.runbook),
    },
  ]
}
