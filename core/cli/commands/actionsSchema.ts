import type { Command } from 'commander'
import { exportPolicySchema, renderPolicyReference } from '../../response/index.ts'

/** `tocsin actions schema` */
export const registerSchema = (actions: Command): void => {
  actions
    .command('schema')
    .description('the JSON Schema of the policy file, for editors')
    .option('--markdown', 'the reference of all its fields instead: docs/policy-reference.md')
    .addHelpText(
      'after',
      `
Examples:
  $ tocsin actions schema > policy.schema.json
  # yaml-language-server: $schema=../policy.schema.json   as the first line of a policy`,
    )
    .action(({ markdown }: { readonly markdown?: boolean }) => {
      process.stdout.write(
        markdown ? renderPolicyReference() : `${JSON.stringify(exportPolicySchema(), null, 2)}\n`,
      )
    })
}
