// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Wrapper} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Wrapper.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// Shares of a pot, as staked ether is: a report of yield moves every balance and emits no Transfer.
contract RebasingToken {
    event Transfer(address indexed from, address indexed to, uint256 value);

    uint8 public constant decimals = 18;
    string public constant symbol = "REB";
    mapping(address => uint256) public shares;
    uint256 public totalShares;
    uint256 public pot;

    function totalSupply() external view returns (uint256) {
        return pot;
    }

    function balanceOf(address who) public view returns (uint256) {
        return totalShares == 0 ? 0 : shares[who] * pot / totalShares;
    }

    function mint(address to, uint256 amount) external {
        uint256 made = totalShares == 0 ? amount : amount * totalShares / pot;
        shares[to] += made;
        totalShares += made;
        pot += amount;
        emit Transfer(address(0), to, amount);
    }

    function rebase(uint256 to) external {
        pot = to;
    }

    /// The back door: one balance grows, and nothing is emitted.
    function sneak(address to, uint256 amount) external {
        uint256 made = amount * totalShares / pot;
        shares[to] += made;
        totalShares += made;
        pot += amount;
    }
}

/// A wrapper with a flaw: whoever asks is given units without collateral.
contract LeakyWrapper is ERC20Wrapper {
    constructor(IERC20 underlying_) ERC20("Wrapped", "wUSD") ERC20Wrapper(underlying_) {}

    function leak(address to, uint256 amount) external {
        _mint(to, amount);
    }
}
