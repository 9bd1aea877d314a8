// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";

/// Guarded by a role of its own.
contract RoleVault is AccessControl, Pausable {
    bytes32 public constant PAUSER_ROLE = keccak256("PAUSER_ROLE");

    constructor(address admin) {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
    }

    function pause() external onlyRole(PAUSER_ROLE) {
        _pause();
    }

    function unpause() external onlyRole(DEFAULT_ADMIN_ROLE) {
        _unpause();
    }
}

/// Guarded by its owner.
contract OwnedVault is Ownable, Pausable {
    mapping(address account => bool) public frozen;

    constructor(address owner_) Ownable(owner_) {}

    function pause() external onlyOwner {
        _pause();
    }

    function unpause() external onlyOwner {
        _unpause();
    }

    function setFrozen(address account, bool state) external onlyOwner {
        frozen[account] = state;
    }
}

/// Can be paused for a time after it was deployed, as some vaults can, and by its owner alone.
contract WindowedVault is Ownable {
    bool public paused;
    uint256 private immutable _windowEnds;

    error WindowOver();

    constructor(address owner_, uint256 windowEnds) Ownable(owner_) {
        _windowEnds = windowEnds;
    }

    function setPaused(bool state) external onlyOwner {
        if (state && block.timestamp >= _windowEnds) revert WindowOver();
        paused = state;
    }

    function getPausedState() external view returns (bool, uint256, uint256) {
        return (paused, _windowEnds, _windowEnds + 30 days);
    }
}

/// Guarded by an AccessManager.
contract ManagedVault is AccessManaged, Pausable {
    constructor(address manager) AccessManaged(manager) {}

    function pause() external restricted {
        _pause();
    }

    function unpause() external restricted {
        _unpause();
    }
}

contract Manager is AccessManager {
    constructor(address admin) AccessManager(admin) {}
}
