import { userInfo } from 'node:os'
import { type Command, Option } from 'commander'
import { cleanText } from '../../base/index.ts'
import {
  answerByHand,
  loadPeopleSecret,
  openApproverKey,
  readPolicies,
  type SignTypedData,
} from '../../response/index.ts'
import { openStore } from '../openStore.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'

type AnswerOptions = CommonOptions & {
  readonly by: string
  readonly role?: string
  readonly keystore?: string
  readonly passwordFile?: string
}

/** The operating system's name of whoever runs this. */
export const userName = (): string => {
  try {
    return userInfo().username
  } catch {
    return ''
  }
}

const answer = async (
  id: string,
  decision: 'approve' | 'deny',
  options: AnswerOptions,
): Promise<void> => {
  const account = await openApproverKey(options)
  const signTypedData: SignTypedData | undefined =
    account && ((data) => account.signTypedData(data))
  const { store, config, close } = await openStore(options, ['people'])
  try {
    const { policies } = await readPolicies(config.actionsDir)
    const { who } = await answerByHand({
      db: store.db,
      secret: await loadPeopleSecret(config),
      policies,
      id,
      who: options.by,
      role: options.role,
      decision,
      signTypedData,
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
    .addOption(new Option('--by <name>', 'who answers').default(userName(), 'your user name'))
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
