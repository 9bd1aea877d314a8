import { parseAbi } from 'viem/utils'

/** Compound's Timelock, as many forks use it. */
export const compoundTimelockAbi = parseAbi([
  'event QueueTransaction(bytes32 indexed txHash, address indexed target, uint256 value, string signature, bytes data, uint256 eta)',
  'event ExecuteTransaction(bytes32 indexed txHash, address indexed target, uint256 value, string signature, bytes data, uint256 eta)',
  'event CancelTransaction(bytes32 indexed txHash, address indexed target, uint256 value, string signature, bytes data, uint256 eta)',
  'function delay() view returns (uint256)',
  'function queuedTransactions(bytes32 txHash) view returns (bool)',
])
