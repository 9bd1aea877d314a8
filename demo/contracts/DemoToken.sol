// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// A plain ERC-20 with a minter role; the decimals are chosen at deployment.
contract DemoToken is ERC20, AccessControl {
    bytes32 public constant MINTER_ROLE = keccak256("MINTER_ROLE");
    uint8 private immutable _places;

    constructor(string memory name_, string memory symbol_, uint8 places, address admin) ERC20(name_, symbol_) {
        _places = places;
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(MINTER_ROLE, admin);
    }

    function decimals() public view override returns (uint8) {
        return _places;
    }

    function mint(address to, uint256 amount) external onlyRole(MINTER_ROLE) {
        _mint(to, amount);
    }

    /// The same amount to each of many.
    function mintMany(address[] calldata to, uint256 amount) external onlyRole(MINTER_ROLE) {
        for (uint256 i = 0; i < to.length; i++) _mint(to[i], amount);
    }
}
