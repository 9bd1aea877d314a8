import type { SenderConfig } from '../../config/types.ts'
import type { DigestSigner } from '../signerKey.ts'
import type { SignerRpc } from '../signerRpc.ts'
import { createDefenderSender } from './defender.ts'
import { createOpenzeppelinRelayer } from './openzeppelinRelayer.ts'
import type { RemoteSender } from './remoteSender.ts'
import { createSafeSender } from './safe.ts'

/** The sender behind an entry of `signer.senders`. Connects lazily. @throws TocsinError `relay.url` */
export const createRemoteSender = (
  config: SenderConfig,
  parts: { readonly rpc: SignerRpc; readonly key: DigestSigner },
): RemoteSender => {
  const { chainId } = parts.rpc
  switch (config.type) {
    case 'openzeppelin-relayer':
      return createOpenzeppelinRelayer(config, { chainId })
    case 'defender':
      return createDefenderSender(config, { chainId })
    case 'safe':
      return createSafeSender(config, parts)
  }
}
