import type { Reader } from './rows.ts'

const onlyFor =
  (kind: string, read: Reader): Reader =>
  (args, occasion) =>
    occasion.kind === kind ? read(args, occasion) : undefined

const MAX = 2n ** 256n - 1n

/** Events that move money or let somebody move it, by signature. */
export const MONEY_READERS: Readonly<Record<string, Reader>> = {
  'Transfer(address,address,uint256)': (args, { decoded }) => {
    // ERC-721 indexes the third argument.
    const isNft = decoded.event.indexed.length === 3
    return {
      table: 'transfer',
      values: {
        fromAddress: args.hex(0),
        toAddress: args.hex(1),
        value: isNft ? 1n : args.big(2),
        tokenId: isNft ? args.big(2) : null,
      },
    }
  },
  'Approval(address,address,uint256)': (args, { decoded }) => {
    const isNft = decoded.event.indexed.length === 3
    return {
      table: 'approval',
      values: {
        owner: args.hex(0),
        spender: args.hex(1),
        value: isNft ? 1n : args.big(2),
        tokenId: isNft ? args.big(2) : null,
      },
    }
  },
  'ApprovalForAll(address,address,bool)': (args) => ({
    table: 'approval',
    values: {
      owner: args.hex(0),
      spender: args.hex(1),
      value: args.flag(2) ? MAX : 0n,
      tokenId: null,
    },
  }),
  'Deposit(address,address,uint256,uint256)': (args) => ({
    table: 'liquidityChange',
    values: {
      source: 'erc4626',
      change: 'add',
      owner: args.hex(1),
      amount0: args.big(2),
      liquidity: args.big(3),
    },
  }),
  'Withdraw(address,address,address,uint256,uint256)': (args) => ({
    table: 'liquidityChange',
    values: {
      source: 'erc4626',
      change: 'remove',
      owner: args.hex(2),
      recipient: args.hex(1),
      amount0: args.big(3),
      liquidity: args.big(4),
    },
  }),
  'Mint(address,uint256,uint256)': onlyFor('pool', (args, { txFrom }) => ({
    table: 'liquidityChange',
    values: {
      source: 'uniswap-v2',
      change: 'add',
      owner: txFrom,
      amount0: args.big(1),
      amount1: args.big(2),
    },
  })),
  'Burn(address,uint256,uint256,address)': onlyFor('pool', (args, { txFrom }) => ({
    table: 'liquidityChange',
    values: {
      source: 'uniswap-v2',
      change: 'remove',
      owner: txFrom,
      recipient: args.hex(3),
      amount0: args.big(1),
      amount1: args.big(2),
    },
  })),
  'Mint(address,address,int24,int24,uint128,uint256,uint256)': onlyFor('pool', (args) => ({
    table: 'liquidityChange',
    values: {
      source: 'uniswap-v3',
      change: 'add',
      owner: args.hex(1),
      tickLower: args.int(2),
      tickUpper: args.int(3),
      liquidity: args.big(4),
      amount0: args.big(5),
      amount1: args.big(6),
    },
  })),
  'Burn(address,int24,int24,uint128,uint256,uint256)': onlyFor('pool', (args) => ({
    table: 'liquidityChange',
    values: {
      source: 'uniswap-v3',
      change: 'remove',
      owner: args.hex(0),
      tickLower: args.int(1),
      tickUpper: args.int(2),
      liquidity: args.big(3),
      amount0: args.big(4),
      amount1: args.big(5),
    },
  })),
  'Collect(address,address,int24,int24,uint128,uint128)': onlyFor('pool', (args) => ({
    table: 'liquidityChange',
    values: {
      source: 'uniswap-v3',
      change: 'collect',
      owner: args.hex(0),
      recipient: args.hex(1),
      tickLower: args.int(2),
      tickUpper: args.int(3),
      amount0: args.big(4),
      amount1: args.big(5),
    },
  })),
  'Supply(address,address,address,uint256,uint16)': onlyFor('lending-market', (args) => ({
    table: 'liquidityChange',
    values: {
      source: 'aave-v3',
      change: 'add',
      reserve: args.hex(0),
      owner: args.hex(2),
      amount0: args.big(3),
    },
  })),
  'Withdraw(address,address,address,uint256)': onlyFor('lending-market', (args) => ({
    table: 'liquidityChange',
    values: {
      source: 'aave-v3',
      change: 'remove',
      reserve: args.hex(0),
      owner: args.hex(1),
      recipient: args.hex(2),
      amount0: args.big(3),
    },
  })),
}
