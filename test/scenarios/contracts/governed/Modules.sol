// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

interface ISafe {
    function execTransactionFromModule(address to, uint256 value, bytes memory data, uint8 operation)
        external
        returns (bool);
}

/// A module of a Safe: its operator spends without signatures.
contract SpendingModule {
    address public immutable operator;

    constructor(address operator_) {
        operator = operator_;
    }

    function spend(ISafe safe, address to, uint256 value, bytes calldata data) external {
        require(msg.sender == operator, "not yours");
        require(safe.execTransactionFromModule(to, value, data, 0), "failed");
    }
}

/// A singleton that obeys one account. What a Safe becomes whose slot 0 was overwritten.
contract ThiefSingleton {
    address private _singleton;

    function sweepNative(address payable to) external {
        to.transfer(address(this).balance);
    }

    receive() external payable {}
}
