import { decodeFunctionResult, getAddress, type Hex, parseAbi, toFunctionSelector } from 'viem'
import { type Address, TocsinError } from '../../base/index.ts'
import type { SignerRpc } from '../signerRpc.ts'
import { asAddress, asList, asRecord, asText } from './fields.ts'
import { describeResponse, type RelayHttp } from './relayHttp.ts'

const abi = parseAbi(['function getOwners() view returns (address[])'])
const PAGES = 5
const PAGE_SIZE = 100

const readOwners = async (rpc: SignerRpc, safe: Address): Promise<readonly string[]> => {
  const call = { to: safe, data: toFunctionSelector('getOwners()') }
  try {
    const data = (await rpc.get('eth_call', [call, 'latest'])) as Hex
    return decodeFunctionResult({ abi, functionName: 'getOwners', data }).map((owner) =>
      owner.toLowerCase(),
    )
  } catch (cause) {
    throw new TocsinError('relay.answer', `The owners of the Safe ${safe} cannot be read.`, {
      cause,
    })
  }
}

/** Who named a delegate, where that holds for the Safe (an entry without one is for all of his) and has not ended. */
const readDelegator = (
  entry: unknown,
  { safe, delegate }: { readonly safe: Address; readonly delegate: Address },
): Address | undefined => {
  const fields = asRecord(entry)
  const ends = asText(fields['expiryDate'])
  const isMeant = fields['safe'] === null || asAddress(fields['safe']) === safe.toLowerCase()
  const isOver = ends !== undefined && !(Date.parse(ends) > Date.now())
  const isRight = isMeant && !isOver && asAddress(fields['delegate']) === delegate
  return isRight ? asAddress(fields['delegator']) : undefined
}

/** Those for whom an account may propose, as the service knows it now. Older services know version 1 only. */
const listDelegators = async (
  http: RelayHttp,
  safe: Address,
  delegate: Address,
): Promise<readonly Address[]> => {
  const found: Address[] = []
  let version = 2
  for (let page = 0; page < PAGES; page++) {
    const ask = () =>
      http(
        'GET',
        `api/v${version}/delegates/?delegate=${getAddress(delegate)}&limit=${PAGE_SIZE}&offset=${page * PAGE_SIZE}`,
      )
    let response = await ask()
    if (response.status === 404 && page === 0) {
      version = 1
      response = await ask()
    }
    if (response.status !== 200)
      throw new TocsinError(
        'relay.answer',
        `The Safe service tells no delegates: ${describeResponse(response)}`,
      )
    const items = asList(asRecord(response.body)['results'])
    const read = items.map((item) => readDelegator(item, { safe, delegate }))
    found.push(...read.filter((each) => each !== undefined))
    if (items.length < PAGE_SIZE) break
  }
  return found
}

/**
 * Why a Safe Transaction Service would refuse what a key proposes, or undefined: it takes proposals of owners, by the
 * chain, and of delegates whom a present owner has named. Throws `relay.*` and `rpc.*` when that cannot be told.
 */
export const findProposerFault = async (parts: {
  readonly rpc: SignerRpc
  readonly http: RelayHttp
  readonly safe: Address
  /** Lower case. */
  readonly proposer: Address
}): Promise<string | undefined> => {
  const { rpc, http, safe, proposer } = parts
  const owners = await readOwners(rpc, safe)
  if (owners.includes(proposer)) return undefined
  const delegators = await listDelegators(http, safe, proposer)
  if (delegators.some((delegator) => owners.includes(delegator))) return undefined
  return `The signer's key ${proposer} is neither an owner of the Safe ${safe} nor a delegate of one: what it proposes is refused. Let an owner add it as delegate at the service.`
}
