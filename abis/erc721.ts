import { parseAbi } from 'viem/utils'

/** Events of ERC-721: the token id is indexed, which tells them from those of ERC-20. */
export const erc721EventsAbi = parseAbi([
  'event Transfer(address indexed from, address indexed to, uint256 indexed tokenId)',
  'event Approval(address indexed owner, address indexed approved, uint256 indexed tokenId)',
  'event ApprovalForAll(address indexed owner, address indexed operator, bool approved)',
])
