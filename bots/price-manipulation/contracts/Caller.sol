// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Makes any calls one after another in one transaction, for whoever deployed it. For tests.
contract Caller {
    address private immutable _owner = msg.sender;

    function run(address[] calldata targets, bytes[] calldata inputs) external {
        require(msg.sender == _owner, "not yours");
        for (uint256 i = 0; i < targets.length; ++i) {
            (bool ok,) = targets[i].call(inputs[i]);
            require(ok, "a call failed");
        }
    }
}
