// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {AccessControlUpgradeable} from "@openzeppelin/contracts-upgradeable/access/AccessControlUpgradeable.sol";
import {Ownable2StepUpgradeable} from "@openzeppelin/contracts-upgradeable/access/Ownable2StepUpgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts-upgradeable/proxy/utils/UUPSUpgradeable.sol";
import {ERC20Upgradeable} from "@openzeppelin/contracts-upgradeable/token/ERC20/ERC20Upgradeable.sol";
import {ERC4626Upgradeable} from "@openzeppelin/contracts-upgradeable/token/ERC20/extensions/ERC4626Upgradeable.sol";
import {PausableUpgradeable} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";

/// A vault with an owner, for transparent and beacon proxies.
contract OwnedVault is ERC4626Upgradeable, PausableUpgradeable, Ownable2StepUpgradeable {
    constructor() {
        _disableInitializers();
    }

    function initialize(IERC20 asset_, address owner_) external initializer {
        __ERC20_init("Owned Vault", "ovUSDX");
        __ERC4626_init(asset_);
        __Pausable_init();
        __Ownable_init(owner_);
    }

    function pause() external onlyOwner {
        _pause();
    }

    function unpause() external onlyOwner {
        _unpause();
    }

    /// A way out that owners give themselves.
    function rescueTokens(IERC20 token, address to, uint256 amount) external onlyOwner {
        token.transfer(to, amount);
    }

    function _update(address from, address to, uint256 value) internal override(ERC20Upgradeable) whenNotPaused {
        super._update(from, to, value);
    }
}

contract OwnedVaultV2 is OwnedVault {
    function version() external pure returns (uint256) {
        return 2;
    }
}

/// A vault with roles that upgrades itself.
contract RoleVault is ERC4626Upgradeable, PausableUpgradeable, AccessControlUpgradeable, UUPSUpgradeable {
    bytes32 public constant PAUSER_ROLE = keccak256("PAUSER_ROLE");
    bytes32 public constant MANAGER_ROLE = keccak256("MANAGER_ROLE");

    constructor() {
        _disableInitializers();
    }

    function initialize(IERC20 asset_, address admin, address pauser) external initializer {
        __ERC20_init("Role Vault", "rvUSDX");
        __ERC4626_init(asset_);
        __Pausable_init();
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(PAUSER_ROLE, pauser);
    }

    /// The flaw: never called, and it asks nobody who they are.
    function initializeV2(address manager) external reinitializer(2) {
        _grantRole(MANAGER_ROLE, manager);
    }

    function pause() external onlyRole(PAUSER_ROLE) {
        _pause();
    }

    function unpause() external onlyRole(PAUSER_ROLE) {
        _unpause();
    }

    function migrate(address to, uint256 amount) external onlyRole(MANAGER_ROLE) {
        IERC20(asset()).transfer(to, amount);
    }

    function _update(address from, address to, uint256 value) internal override(ERC20Upgradeable) whenNotPaused {
        super._update(from, to, value);
    }

    function _authorizeUpgrade(address) internal override onlyRole(DEFAULT_ADMIN_ROLE) {}
}

contract RoleVaultV2 is RoleVault {
    function version() external pure returns (uint256) {
        return 2;
    }
}

/// What an attacker installs: everything goes to whoever asks.
contract ThiefVault {
    bytes32 public constant proxiableUUID = 0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;

    function take(IERC20 token, address to) external {
        token.transfer(to, token.balanceOf(address(this)));
    }
}

/// A contract whose rights an AccessManager keeps.
contract ManagedVault is AccessManaged {
    constructor(address authority_) AccessManaged(authority_) {}

    function withdrawTo(IERC20 token, address to, uint256 amount) external restricted {
        token.transfer(to, amount);
    }
}

/// A plain owner, who may run any code as this contract: an executor as many protocols have it.
contract Executor is Ownable {
    constructor(address owner_) Ownable(owner_) {}

    function run(address target, bytes calldata data) external onlyOwner returns (bytes memory) {
        (bool ok, bytes memory answer) = target.delegatecall(data);
        require(ok, "failed");
        return answer;
    }
}

/// As the executor, behind a proxy: the owner is in the proxy's own storage.
contract ProxiedExecutor {
    address public owner;

    /// The flaw: nothing keeps it from being called again.
    function initialize(address owner_) external {
        owner = owner_;
    }

    function run(address target, bytes calldata data) external returns (bytes memory) {
        require(msg.sender == owner, "not yours");
        (bool ok, bytes memory answer) = target.delegatecall(data);
        require(ok, "failed");
        return answer;
    }
}

/// Writes where it likes, when run by delegatecall.
contract SlotWriter {
    function write(bytes32 slot, bytes32 value) external {
        assembly {
            sstore(slot, value)
        }
    }

    /// As the thieves of 2025 did it: a `transfer` that overwrites slot 0.
    function transfer(address to, uint256) external {
        assembly {
            sstore(0, to)
        }
    }
}

/// Code that can be another tomorrow: a grant that a proposal pays out.
contract Grant {
    function pay(IERC20 token, address to, uint256 amount) external {
        token.transfer(to, amount);
    }
}

/// What may lie at its place when the vote is over.
contract GreedyGrant {
    function pay(IERC20 token, address, uint256) external {
        token.transfer(tx.origin, token.balanceOf(address(this)));
    }
}
