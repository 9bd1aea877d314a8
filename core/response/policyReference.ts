import { z } from 'zod'
import { POLICY_EXAMPLE } from './policyExample.ts'
import { policySchema } from './policySchema.ts'

type Json = z.core.JSONSchema.BaseSchema

/** JSON Schema of the policy file, for editors: `# yaml-language-server: $schema=…/policy.schema.json`. */
export const exportPolicySchema = (): Json => ({
  ...z.toJSONSchema(policySchema, { io: 'input' }),
  title: 'Tocsin policy',
})

const code = (text: string): string => `\`${text}\``
const cell = (text: string): string => text.replaceAll('|', '\\|')
const asSchema = (value: Json | boolean | readonly unknown[] | undefined): Json | undefined =>
  typeof value === 'object' && !('length' in value) ? value : undefined

const boundsOf = ({ minimum, exclusiveMinimum, maximum }: Json): string => {
  const least = minimum ?? (typeof exclusiveMinimum === 'number' ? exclusiveMinimum + 1 : undefined)
  const most = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum
  if (least === undefined) return ''
  return most === undefined ? `, ${least} or more` : `, ${least} to ${most}`
}

const listOf = (schema: Json): string => {
  const items = asSchema(schema.items)
  const { minItems = 0, maxItems } = schema
  const count =
    maxItems === undefined
      ? minItems > 0
        ? `, ${minItems} or more`
        : ''
      : `, ${minItems} to ${maxItems}`
  const what = items?.type === 'object' ? 'maps' : items ? wordsOf(items) : 'values'
  return `list${count}: ${what}`
}

/** What may stand there, in words. */
const wordsOf = (schema: Json): string => {
  if (schema.title) return schema.title
  if (schema.const !== undefined) return code(String(schema.const))
  if (schema.enum) return schema.enum.map((each) => code(String(each))).join(', ')
  switch (schema.type) {
    case 'integer':
      return `whole number${boundsOf(schema)}`
    case 'boolean':
      return '`true`, `false`'
    case 'array':
      return listOf(schema)
    case 'object':
      return 'map'
    case 'string':
      return schema.maxLength ? `text, up to ${schema.maxLength} characters` : 'text'
    default:
      throw new Error(`No words for ${JSON.stringify(schema)}`)
  }
}

const DEFAULT = /\s*Default: (.+)$/

const rowOf = (path: string, schema: Json, isRequired: boolean): string => {
  const description = schema.description ?? ''
  if (!description) throw new Error(`"${path}" of the policy has no description.`)
  const told = DEFAULT.exec(description)?.[1]
  const meaning = description.replace(DEFAULT, '').replace(/\.$/, '')
  const fallback =
    schema.default === undefined ? (told ?? '') : code(JSON.stringify(schema.default))
  const linked = meaning.replace(/\b[a-z]+\.md\b/g, '[$&]($&)')
  const cells = [code(path), linked, wordsOf(schema), isRequired ? '**required**' : fallback]
  return `| ${cells.map(cell).join(' | ')} |`
}

type Field = { readonly path: string; readonly schema: Json; readonly isRequired: boolean }

const fieldsOf = (schema: Json, before = ''): readonly Field[] => {
  const inner = schema.type === 'array' ? asSchema(schema.items) : schema
  const prefix = schema.type === 'array' ? `${before}[]` : before
  return Object.entries(inner?.properties ?? {}).flatMap(([key, value]) => {
    const found = asSchema(value)
    if (!found) return []
    const path = prefix === '' ? key : `${prefix}.${key}`
    const isRequired = inner?.required?.includes(key) === true && found.default === undefined
    return [{ path, schema: found, isRequired }, ...fieldsOf(found, path)]
  })
}

/** Paths of every field: `triggers[].bot`. */
export const listPolicyFields = (): readonly string[] =>
  fieldsOf(exportPolicySchema()).map(({ path }) => path)

const INTRODUCTION = `# The policy file, field by field

Written by \`tocsin actions schema --markdown > docs/policy-reference.md\`; change the code, not this page.

One file approves one answer; [policies.md](policies.md) says what the signer makes of it. It lies in \`actionsDir\` as
\`<id>/policy.yaml\` or \`<id>.yaml\`, in YAML without aliases. \`tocsin actions new\` writes one from the chain, with the
runbook of its action type beside it; \`tocsin check\` and \`tocsin actions verify\` tell every fault with its line and
column. [policy.schema.json](policy.schema.json) (\`tocsin actions schema\`) lets editors complete and check it.

Seconds end in \`S\`, amounts in \`Wei\`. An amount is digits of wei, or a number with a unit: \`500 gwei\`, \`0.1 ether\`,
\`10_000_000_000\`. Instants carry their offset: \`2030-01-31T00:00:00Z\`. Unknown keys are faults. Comments and layout do not
count; every value is part of the hash that approvers sign.`

const RULES = `## What must agree within the file

- \`expiresAt\` lies after \`approvedAt\`; \`id\` is the name of the file or its folder.
- \`calldata\` is exactly what the action type builds for target and parameters, and calls nothing that lowers a guard.
- \`maxPriorityFeePerGasWei\`, and that of \`pending\`, do not exceed \`maxFeePerGasWei\`.
- \`maxSpendWeiPer24h\` covers \`gasLimit\` at \`maxFeePerGasWei\`, once for each of \`senders\`.
- \`quorum.bots\` is not more than the bots that \`triggers\` name.
- Each of \`senders\` stands there once. Together those before the last take less than \`postcondition.deadlineS\`: else the
  last would never get its turn.
- Where the simulation is \`required\`, \`onUnavailable\` is \`stop\`.
- A call that nobody can undo is never automatic (\`mode\`, \`approval.onTimeout\`), is approved by two, and asks for two.
- The file is not larger than 256 KB. A \`runbook\` that is not there is a warning.`

/** docs/policy-reference.md. */
export const renderPolicyReference = (): string =>
  [
    INTRODUCTION,
    '',
    '| field | meaning | value | default |',
    '| --- | --- | --- | --- |',
    ...fieldsOf(exportPolicySchema()).map(({ path, schema, isRequired }) =>
      rowOf(path, schema, isRequired),
    ),
    '',
    RULES,
    '',
    '## An example in which everything stands',
    '',
    'Most policies need a third of it.',
    '',
    '```yaml',
    POLICY_EXAMPLE.trimEnd(),
    '```',
    '',
  ].join('\n')
