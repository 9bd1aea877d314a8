// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// For tests: work that grows as a loop over stored entries does, and that can be broken.
contract Worker {
    uint256 public rounds = 1;
    bool public broken;
    mapping(uint256 => uint256) private entries;

    error Broken();

    function work() external {
        if (broken) revert Broken();
        for (uint256 at = 0; at < rounds; at++) entries[at] = block.timestamp;
    }

    function setRounds(uint256 value) external {
        rounds = value;
    }

    function setBroken(bool value) external {
        broken = value;
    }
}
