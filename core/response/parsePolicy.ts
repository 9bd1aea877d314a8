import {
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLError,
} from 'yaml'
import { z } from 'zod'
import { stableHash } from '../base/index.ts'
import { suggestion } from '../config/index.ts'
import { findLoweredGuard } from './findLoweredGuard.ts'
import { policySchema } from './policySchema.ts'
import type { ActionDefinition, LoadedPolicy, Policy } from './types.ts'

export type PolicyFault = {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
}

type Fault = { readonly path: string[]; readonly message: string }

const calldataFaults = (action: ActionDefinition, policy: Policy): readonly Fault[] => {
  const fault = (message: string): readonly Fault[] => [{ path: ['calldata'], message }]
  const selector = policy.calldata.slice(0, 10)
  const lowered = action.selectors === 'any' ? findLoweredGuard(policy.calldata) : undefined
  if (lowered) return fault(`${lowered}; Tocsin only ever raises a guard`)
  if (action.selectors !== 'any' && !action.selectors.some((allowed) => allowed === selector))
    return fault(
      `selector ${selector} is not one that "${action.id}" may call (${action.selectors.join(', ')}); Tocsin only ever raises a guard`,
    )
  const expected = action.encode(policy)
  return policy.calldata === expected
    ? []
    : fault(`is not the calldata that "${action.id}" builds (${expected})`)
}

/** Two people stand behind what nobody can undo: behind the file, and behind each run. */
const irreversibleFaults = (policy: Policy): readonly Fault[] => {
  const why = 'people could not undo this call'
  return [
    ...(policy.mode === 'auto' || policy.approval.onTimeout === 'execute'
      ? [{ path: ['mode'], message: `must not be automatic: ${why}` }]
      : []),
    ...(new Set(policy.approvedBy).size < 2
      ? [{ path: ['approvedBy'], message: `two people must approve it: ${why}` }]
      : []),
    ...(policy.approval.required < 2
      ? [{ path: ['approval', 'required'], message: `must be at least 2: ${why}` }]
      : []),
  ]
}

/** Checks that only whoever knows the action types can make: the calldata is exactly what the type builds. */
const actionFaults = (policy: Policy, actions: readonly ActionDefinition[]): readonly Fault[] => {
  const action = actions.find(({ id }) => id === policy.action)
  if (!action)
    return [
      {
        path: ['action'],
        message: `unknown action "${policy.action}"; known: ${actions.map(({ id }) => id).join(', ')}`,
      },
    ]
  const parameters = (action.parameters ?? z.strictObject({})).safeParse(policy.parameters)
  if (!parameters.success)
    return parameters.error.issues.map(({ path, message }) => ({
      path: ['parameters', ...path.map(String)],
      message,
    }))
  return [
    ...calldataFaults(action, policy),
    ...(action.isIrreversible?.(policy) ? irreversibleFaults(policy) : []),
  ]
}

/** The parser's own words name the place once more, and speak of its functions. */
const yamlMessage = (error: YAMLError): string => {
  if (error.code === 'DUPLICATE_KEY') return 'a key stands here a second time'
  if (error.code === 'MULTIPLE_DOCS') return 'a second document begins here; one file holds one'
  const [line = ''] = error.message.split('\n')
  return line.replace(/ at line \d+, column \d+:?$/, '')
}

const unknownKey = (key: string, path: readonly PropertyKey[]): string => {
  const known = path.length === 0 ? Object.keys(policySchema.shape) : []
  const mend = known.length === 0 ? '' : ` ${suggestion(key, known, 'keys')}`
  return `unknown key.${mend}`.replace(/\.$/, '')
}

const explainType = (issue: z.core.$ZodIssue, isThere: boolean): string =>
  issue.code === 'invalid_type' && !isThere ? 'is missing' : issue.message

export type ParsePolicyResult =
  | { readonly ok: true; readonly policy: LoadedPolicy }
  | { readonly ok: false; readonly faults: readonly PolicyFault[] }

/** Parses one policy file and lists all that is wrong with it, with line and column. `expectedId` is the file's name. */
export const parsePolicy = (
  text: string,
  options: {
    readonly file: string
    readonly expectedId?: string
    readonly actions: readonly ActionDefinition[]
  },
): ParsePolicyResult => {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: true,
    // An unquoted 0x… must stay the text that was written.
    customTags: (tags) =>
      tags.filter((tag) => !(typeof tag === 'object' && 'format' in tag && tag.format === 'HEX')),
  })
  const at = (offset: number | undefined): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset ?? 0)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const locate = (path: readonly PropertyKey[]): { line: number; column: number } => {
    for (let depth = path.length; depth >= 0; depth--) {
      const node: unknown =
        depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true)
      if (isNode(node) && node.range) return at(node.range[0])
    }
    return { line: 1, column: 1 }
  }
  const locateKey = (path: readonly PropertyKey[], key: string) => {
    const map: unknown = path.length === 0 ? document.contents : document.getIn(path, true)
    const pair = isMap<Node>(map)
      ? map.items.find((item) => isScalar(item.key) && String(item.key.value) === key)
      : undefined
    return pair?.key.range ? at(pair.key.range[0]) : locate(path)
  }
  const fault = (path: readonly PropertyKey[], message: string): PolicyFault => ({
    file: options.file,
    ...locate(path),
    message: path.length > 0 ? `${path.join('.')}: ${message}` : message,
  })
  if (document.errors.length > 0)
    return {
      ok: false,
      faults: document.errors.map((error) => ({
        file: options.file,
        ...at(error.pos[0]),
        message: yamlMessage(error),
      })),
    }
  let raw: unknown
  try {
    raw = document.toJS({ maxAliasCount: 0 })
  } catch {
    return {
      ok: false,
      faults: [fault([], 'a policy must not use YAML aliases: write every value where it counts')],
    }
  }
  const parsed = policySchema.safeParse(raw)
  if (!parsed.success)
    return {
      ok: false,
      faults:
        raw === null
          ? [fault([], 'the file is empty')]
          : parsed.error.issues.flatMap((issue) =>
              issue.code === 'unrecognized_keys'
                ? issue.keys.map((key) => ({
                    ...fault([...issue.path, key], unknownKey(key, issue.path)),
                    ...locateKey(issue.path, key),
                  }))
                : [fault(issue.path, explainType(issue, document.hasIn(issue.path)))],
            ),
    }
  const policy: Policy = parsed.data
  const faults = actionFaults(policy, options.actions).map(({ path, message }) =>
    fault(path, message),
  )
  if (options.expectedId !== undefined && policy.id !== options.expectedId)
    faults.push(fault(['id'], `must be "${options.expectedId}", the name of its file or folder`))
  if (faults.length > 0) return { ok: false, faults }
  return {
    ok: true,
    policy: { ...policy, hash: stableHash('tocsin-policy-1', policy), file: options.file },
  }
}
