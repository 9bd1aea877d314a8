// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// Makes any calls one after another in one transaction, also with the money of a flash loan.
contract Caller {
    function run(address[] memory targets, bytes[] memory inputs) public {
        for (uint256 i = 0; i < targets.length; ++i) {
            (bool ok, bytes memory why) = targets[i].call(inputs[i]);
            if (!ok) {
                assembly {
                    revert(add(why, 32), mload(why))
                }
            }
        }
    }

    /// Uniswap v2 and v3: `data` says what to do, and the last call pays back.
    function uniswapV2Call(address, uint256, uint256, bytes calldata data) external {
        _act(data);
    }

    function uniswapV3FlashCallback(uint256, uint256, bytes calldata data) external {
        _act(data);
    }

    /// Aave v3, `flashLoanSimple`.
    function executeOperation(address, uint256, uint256, address, bytes calldata data) external returns (bool) {
        _act(data);
        return true;
    }

    function _act(bytes memory data) private {
        (address[] memory targets, bytes[] memory inputs) = abi.decode(data, (address[], bytes[]));
        run(targets, inputs);
    }
}

/// A token whose owner mints, and that lets anybody burn what others hold: a flaw.
contract LeakyToken is ERC20 {
    uint8 private immutable _places;

    constructor(string memory symbol_, uint8 places) ERC20(symbol_, symbol_) {
        _places = places;
        _mint(msg.sender, 1_000_000_000 * 10 ** places);
    }

    function decimals() public view override returns (uint8) {
        return _places;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function burn(address from, uint256 amount) external {
        _burn(from, amount);
    }
}
