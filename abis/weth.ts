import { parseAbi } from 'viem/utils'

/** Wrapped ether: what it adds to ERC-20. */
export const wethAbi = parseAbi([
  'event Deposit(address indexed dst, uint256 wad)',
  'event Withdrawal(address indexed src, uint256 wad)',
  'function deposit() payable',
  'function withdraw(uint256 wad)',
])
