import type { Command } from 'commander'
import { cleanText } from '../../base/index.ts'
import {
  answerByHand,
  loadPeopleSecret,
  openApproverKey,
  readPolicies,
} from '../../response/index.ts'
import { openStore } from '../openStore.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { userName } from '../userName.ts'

export { userName } from '../userName.ts'

type AnswerOptions = CommonOptions & {
  readonly by?: string
  readonly role?: string
  readonly keystore?: string
  readonly passwordFile?: string
}

const answer = async (
  id: string,
  decision: 'approve' | 'deny',
  options: AnswerOptions,
): Promise<void> => {
  const account = await openApproverKey(options)
  const { store, config, close } = await openStore(options, ['people'])
  try {
    const { policies } = await readPolicies(config.actionsDir)
    const { who } = await answerByHand({
      db: store.db,
      secret: await loadPeopleSecret(config),
      policies,
      approvers: config.signer?.approvers ?? [],
      id,
      // Whoever gives a key need not say whose it is.
      who: options.by ?? (account ? undefined : userName()),
      role: options.role,
      decision,
      key: account && {
        address: account.address,
        signTypedData: (data) => account.signTypedData(data),
      },
    })
    const done = decision === 'deny' ? 'Denied' : 'Approved'
    const next =
      decision === 'deny'
        ? 'the signer ends it'
        : 'the signer verifies it, and sends when enough people have'
    process.stdout.write(
      options.json
        ? `${JSON.stringify({ [decision === 'deny' ? 'denied' : 'approved']: id, by: who })}\n`
        : `${done} ${cleanText(id, 80)} as ${who}; ${next}.\n`,
    )
  } finally {
    await close()
  }
}

const withKey = (command: Command): Command =>
  withCommonOptions(command)
    .option('--by <name>', 'who answers; default: whose key it is, else your user name')
    .option('--role <role>', 'your role, where the watchlist names no approvers')
    .option('--keystore <file>', 'your own key, which proves that it is you')
    .option('--password-file <file>', 'its password; default: $TOCSIN_APPROVER_PASSWORD')

/** `tocsin actions approve` and `tocsin actions deny`. */
export const registerAnswer = (actions: Command): void => {
  withKey(actions.command('approve <execution>'))
    .description('approves a proposed execution; the signer checks everything again and sends it')
    .action((id: string, options: AnswerOptions) => answer(id, 'approve', options))
  withKey(actions.command('deny <execution>'))
    .description('denies a proposed execution: one denial ends it')
    .action((id: string, options: AnswerOptions) => answer(id, 'deny', options))
}
