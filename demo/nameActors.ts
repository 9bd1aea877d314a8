import { getContractAddress } from 'viem'
import type { DemoDeployment } from './contracts/index.ts'

/** Who is who in the story, by address in lower case. The watchers know none of this. */
export const nameActors = ({ actors, users }: DemoDeployment): ReadonlyMap<string, string> => {
  const drainer = getContractAddress({ from: actors.attacker.address, nonce: 0n })
  return new Map([
    [actors.attacker.address, 'the attacker'],
    [drainer.toLowerCase(), "the attacker's contract"],
    [actors.whale.address, 'the whale'],
    [actors.deployer.address, 'the deployer'],
    [actors.pauser.address, "Tocsin's signer"],
    [actors.marketMaker.address, 'the market maker'],
    ...users.map(({ address }, i): [string, string] => [address, `user ${i + 1}`]),
  ])
}
