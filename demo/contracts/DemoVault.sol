// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {AccessControlUpgradeable} from "@openzeppelin/contracts-upgradeable/access/AccessControlUpgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts-upgradeable/proxy/utils/UUPSUpgradeable.sol";
import {ERC20Upgradeable} from "@openzeppelin/contracts-upgradeable/token/ERC20/ERC20Upgradeable.sol";
import {ERC4626Upgradeable} from "@openzeppelin/contracts-upgradeable/token/ERC20/extensions/ERC4626Upgradeable.sol";
import {PausableUpgradeable} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";

/// An ERC-4626 vault that can be paused. It is broken on purpose, for the demo: `initializeV2`, which was to hand
/// MANAGER_ROLE over once after an upgrade, was never called and asks nobody who they are. Never use it.
contract DemoVault is ERC4626Upgradeable, PausableUpgradeable, AccessControlUpgradeable, UUPSUpgradeable {
    using SafeERC20 for IERC20;

    bytes32 public constant PAUSER_ROLE = keccak256("PAUSER_ROLE");
    bytes32 public constant MANAGER_ROLE = keccak256("MANAGER_ROLE");
    /// Largest part of the vault that one migration may move.
    uint256 public constant MIGRATION_CAP_BPS = 1_200;

    address public feeRecipient;
    uint256 public lastMigrationBlock;

    error MigrationTooLarge(uint256 assets, uint256 cap);
    error OneMigrationPerBlock();

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    function initialize(IERC20 asset_, address admin, address pauser) external initializer {
        __ERC20_init("Demo Vault", "dvUSD");
        __ERC4626_init(asset_);
        __Pausable_init();
        __AccessControl_init();
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(PAUSER_ROLE, pauser);
        feeRecipient = admin;
    }

    /// The flaw: whoever comes first becomes the manager.
    function initializeV2(address manager) external reinitializer(2) {
        _grantRole(MANAGER_ROLE, manager);
    }

    function pause() external onlyRole(PAUSER_ROLE) {
        _pause();
    }

    function unpause() external onlyRole(DEFAULT_ADMIN_ROLE) {
        _unpause();
    }

    /// Emits nothing, on purpose: only call traces and slot reads can see it.
    function setFeeRecipient(address recipient) external onlyRole(MANAGER_ROLE) {
        feeRecipient = recipient;
    }

    /// Moves assets to another strategy: a part at a time, once a block.
    function migrate(address receiver, uint256 assets) external onlyRole(MANAGER_ROLE) whenNotPaused {
        uint256 cap = totalAssets() * MIGRATION_CAP_BPS / 10_000;
        if (assets > cap) revert MigrationTooLarge(assets, cap);
        if (lastMigrationBlock == block.number) revert OneMigrationPerBlock();
        lastMigrationBlock = block.number;
        IERC20(asset()).safeTransfer(receiver, assets);
    }

    /// Deposits, withdrawals and transfers of shares all pass here.
    function _update(address from, address to, uint256 value) internal override(ERC20Upgradeable) whenNotPaused {
        super._update(from, to, value);
    }

    function _authorizeUpgrade(address) internal override onlyRole(DEFAULT_ADMIN_ROLE) {}
}
