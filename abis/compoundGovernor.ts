import { parseAbi } from 'viem/utils'

/** What Compound's Governor Alpha and Bravo do otherwise than OpenZeppelin's, and what Tornado Cash's does. */
export const compoundGovernorAbi = parseAbi([
  'event VoteCast(address voter, uint256 proposalId, bool support, uint256 votes)',
  'function comp() view returns (address)',
  'function admin() view returns (address)',
  'function quorumVotes() view returns (uint256)',
])

/** A governor whose proposals are contracts that run as the governor's own code. */
export const codeGovernorAbi = parseAbi([
  'event ProposalCreated(uint256 indexed id, address indexed proposer, address target, uint256 startTime, uint256 endTime, string description)',
  'event Voted(uint256 indexed proposalId, address indexed voter, bool indexed support, uint256 votes)',
])
