// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20FlashMint} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20FlashMint.sol";
import {IERC3156FlashBorrower} from "@openzeppelin/contracts/interfaces/IERC3156FlashBorrower.sol";

interface IPair {
    function swap(uint256 amount0Out, uint256 amount1Out, address to, bytes calldata data) external;
}

interface IPool {
    function flash(address recipient, uint256 amount0, uint256 amount1, bytes calldata data) external;
}

/// Holds money and gives it to anybody.
contract LeakyTreasury {
    function leak(IERC20 token, uint256 amount) external {
        token.transfer(msg.sender, amount);
    }
}

contract FlashMintToken is ERC20, ERC20FlashMint {
    constructor() ERC20("Flash", "FLASH") {}
}

/// Borrows from three kinds of lender; in between it takes `loot` out of a leaky treasury.
contract FlashBorrower is IERC3156FlashBorrower {
    struct Plan {
        IERC20 token;
        uint256 amount;
        uint256 fee;
        LeakyTreasury victim;
        uint256 loot;
    }

    function run(Plan memory plan) public {
        if (plan.loot > 0) plan.victim.leak(plan.token, plan.loot);
    }

    function viaPair(IPair pair, bool isFirst, Plan calldata plan) external {
        pair.swap(isFirst ? plan.amount : 0, isFirst ? 0 : plan.amount, address(this), abi.encode(plan));
    }

    function viaPool(IPool pool, bool isFirst, Plan calldata plan) external {
        pool.flash(address(this), isFirst ? plan.amount : 0, isFirst ? 0 : plan.amount, abi.encode(plan));
    }

    function viaMint(FlashMintToken lender, uint256 amount, Plan calldata plan) external {
        lender.flashLoan(this, address(lender), amount, abi.encode(plan));
    }

    function uniswapV2Call(address, uint256, uint256, bytes calldata data) external {
        _repay(data);
    }

    function uniswapV3FlashCallback(uint256, uint256, bytes calldata data) external {
        _repay(data);
    }

    function onFlashLoan(address, address token, uint256 amount, uint256, bytes calldata data)
        external
        returns (bytes32)
    {
        run(abi.decode(data, (Plan)));
        IERC20(token).approve(msg.sender, amount);
        return keccak256("ERC3156FlashBorrower.onFlashLoan");
    }

    function _repay(bytes calldata data) private {
        Plan memory plan = abi.decode(data, (Plan));
        run(plan);
        plan.token.transfer(msg.sender, plan.amount + plan.fee);
    }
}
