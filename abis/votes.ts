import { parseAbi } from 'viem/utils'

/** ERC-20 and ERC-721 votes: who votes for whom. */
export const votesEventsAbi = parseAbi([
  'event DelegateChanged(address indexed delegator, address indexed fromDelegate, address indexed toDelegate)',
  'event DelegateVotesChanged(address indexed delegate, uint256 previousVotes, uint256 newVotes)',
])
