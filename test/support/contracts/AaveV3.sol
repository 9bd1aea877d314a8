// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

// A stand-in for the parts of Aave v3 that pausing goes through, after its published interfaces: roles of the
// ACLManager, addresses of the PoolAddressesProvider, the configuration word of a reserve (active: bit 56, frozen: 57,
// paused: 60), setReservePause and setPoolPause of the PoolConfigurator.

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";

contract ACLManager is AccessControl {
    bytes32 public constant POOL_ADMIN_ROLE = keccak256("POOL_ADMIN");
    bytes32 public constant EMERGENCY_ADMIN_ROLE = keccak256("EMERGENCY_ADMIN");

    constructor(address admin) {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
    }

    function isPoolAdmin(address admin) external view returns (bool) {
        return hasRole(POOL_ADMIN_ROLE, admin);
    }

    function isEmergencyAdmin(address admin) external view returns (bool) {
        return hasRole(EMERGENCY_ADMIN_ROLE, admin);
    }
}

contract PoolAddressesProvider {
    address public getACLManager;
    address public getPool;
    address public getPoolConfigurator;

    function set(address manager, address pool, address configurator) external {
        (getACLManager, getPool, getPoolConfigurator) = (manager, pool, configurator);
    }
}

contract Pool {
    struct ReserveConfigurationMap {
        uint256 data;
    }

    PoolAddressesProvider public immutable ADDRESSES_PROVIDER;
    address[] private _reserves;
    mapping(address asset => ReserveConfigurationMap) private _configurations;

    constructor(PoolAddressesProvider provider) {
        ADDRESSES_PROVIDER = provider;
    }

    function list(address asset) external {
        _reserves.push(asset);
        _configurations[asset].data = (1 << 56) | (18 << 48) | 8_000;
    }

    function getReservesList() external view returns (address[] memory) {
        return _reserves;
    }

    function getConfiguration(address asset) external view returns (ReserveConfigurationMap memory) {
        return _configurations[asset];
    }

    function setConfiguration(address asset, ReserveConfigurationMap calldata configuration) external {
        require(msg.sender == ADDRESSES_PROVIDER.getPoolConfigurator(), "10");
        _configurations[asset] = configuration;
    }
}

contract PoolConfigurator {
    PoolAddressesProvider private immutable _provider;

    event ReservePaused(address indexed asset, bool paused);

    constructor(PoolAddressesProvider provider) {
        _provider = provider;
    }

    modifier onlyEmergencyAdmin() {
        require(ACLManager(_provider.getACLManager()).isEmergencyAdmin(msg.sender), "2");
        _;
    }

    modifier onlyEmergencyOrPoolAdmin() {
        ACLManager manager = ACLManager(_provider.getACLManager());
        require(manager.isPoolAdmin(msg.sender) || manager.isEmergencyAdmin(msg.sender), "3");
        _;
    }

    function setReservePause(address asset, bool paused) public onlyEmergencyOrPoolAdmin {
        Pool pool = Pool(_provider.getPool());
        Pool.ReserveConfigurationMap memory configuration = pool.getConfiguration(asset);
        configuration.data = paused ? configuration.data | (1 << 60) : configuration.data & ~uint256(1 << 60);
        pool.setConfiguration(asset, configuration);
        emit ReservePaused(asset, paused);
    }

    function setPoolPause(bool paused) external onlyEmergencyAdmin {
        address[] memory reserves = Pool(_provider.getPool()).getReservesList();
        for (uint256 i = 0; i < reserves.length; i++) {
            if (reserves[i] != address(0)) setReservePause(reserves[i], paused);
        }
    }
}
