import { parseAbi } from 'viem/utils'

/** `keccak256('eip1967.proxy.implementation') - 1` */
export const IMPLEMENTATION_SLOT =
  '0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc' as const
/** `keccak256('eip1967.proxy.admin') - 1` */
export const ADMIN_SLOT =
  '0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103' as const
/** `keccak256('eip1967.proxy.beacon') - 1` */
export const BEACON_SLOT =
  '0xa3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6cb3582b35133d50' as const

/** ERC-1967 proxies: their events, the UUPS entry, ProxyAdmin and beacons. */
export const erc1967Abi = parseAbi([
  'event Upgraded(address indexed implementation)',
  'event AdminChanged(address previousAdmin, address newAdmin)',
  'event BeaconUpgraded(address indexed beacon)',
  'event Initialized(uint64 version)',
  'function implementation() view returns (address)',
  'function proxiableUUID() view returns (bytes32)',
  'function upgradeTo(address newImplementation)',
  'function upgradeToAndCall(address newImplementation, bytes data) payable',
  'function changeAdmin(address newAdmin)',
])

/** OpenZeppelin ProxyAdmin: the owner of a transparent proxy. */
export const proxyAdminAbi = parseAbi([
  'function upgrade(address proxy, address implementation)',
  'function upgradeAndCall(address proxy, address implementation, bytes data) payable',
  'function changeProxyAdmin(address proxy, address newAdmin)',
])
