// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// Makes any calls one after another in one transaction. For tests.
contract Caller {
    function run(address[] calldata targets, bytes[] calldata inputs) external {
        for (uint256 i = 0; i < targets.length; ++i) {
            (bool ok, bytes memory why) = targets[i].call(inputs[i]);
            if (!ok) {
                assembly {
                    revert(add(why, 32), mload(why))
                }
            }
        }
    }
}
