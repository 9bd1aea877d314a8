// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

// Stand-ins for the pause guardians of Compound v2's Comptroller and of Compound v3 (Comet), after their published
// interfaces and rules: the Comptroller's guardian can only set flags, Comet's can also clear them, all five at once.

contract Comptroller {
    struct Market {
        bool isListed;
        uint256 collateralFactorMantissa;
        bool isComped;
    }

    address public admin = msg.sender;
    address public pauseGuardian;
    bool public transferGuardianPaused;
    bool public seizeGuardianPaused;
    mapping(address cToken => bool) public mintGuardianPaused;
    mapping(address cToken => bool) public borrowGuardianPaused;
    mapping(address cToken => Market) public markets;

    event ActionPaused(string action, bool pauseState);
    event ActionPaused(address cToken, string action, bool pauseState);

    function _setPauseGuardian(address guardian) external {
        require(msg.sender == admin, "unauthorized");
        pauseGuardian = guardian;
    }

    function _supportMarket(address cToken) external {
        require(msg.sender == admin, "unauthorized");
        markets[cToken] = Market(true, 0, false);
    }

    modifier onlyGuardian(bool state) {
        require(msg.sender == pauseGuardian || msg.sender == admin, "only pause guardian and admin can pause");
        require(msg.sender == admin || state == true, "only admin can unpause");
        _;
    }

    modifier onlyListed(address cToken) {
        require(markets[cToken].isListed, "cannot pause a market that is not listed");
        _;
    }

    function _setMintPaused(address cToken, bool state) external onlyListed(cToken) onlyGuardian(state) returns (bool) {
        mintGuardianPaused[cToken] = state;
        emit ActionPaused(cToken, "Mint", state);
        return state;
    }

    function _setBorrowPaused(address cToken, bool state) external onlyListed(cToken) onlyGuardian(state) returns (bool) {
        borrowGuardianPaused[cToken] = state;
        emit ActionPaused(cToken, "Borrow", state);
        return state;
    }

    function _setTransferPaused(bool state) external onlyGuardian(state) returns (bool) {
        transferGuardianPaused = state;
        emit ActionPaused("Transfer", state);
        return state;
    }

    function _setSeizePaused(bool state) external onlyGuardian(state) returns (bool) {
        seizeGuardianPaused = state;
        emit ActionPaused("Seize", state);
        return state;
    }
}

contract Comet {
    error Unauthorized();

    event PauseAction(
        bool supplyPaused, bool transferPaused, bool withdrawPaused, bool absorbPaused, bool buyPaused
    );

    address public immutable governor = msg.sender;
    address public immutable pauseGuardian;
    uint8 private _flags;

    constructor(address guardian) {
        pauseGuardian = guardian;
    }

    function pause(bool supplyPaused, bool transferPaused, bool withdrawPaused, bool absorbPaused, bool buyPaused)
        external
    {
        if (msg.sender != governor && msg.sender != pauseGuardian) revert Unauthorized();
        _flags = _bit(supplyPaused, 0) | _bit(transferPaused, 1) | _bit(withdrawPaused, 2) | _bit(absorbPaused, 3)
            | _bit(buyPaused, 4);
        emit PauseAction(supplyPaused, transferPaused, withdrawPaused, absorbPaused, buyPaused);
    }

    function _bit(bool raised, uint8 offset) private pure returns (uint8) {
        return raised ? uint8(1 << offset) : 0;
    }

    function isSupplyPaused() external view returns (bool) {
        return _flags & 1 != 0;
    }

    function isTransferPaused() external view returns (bool) {
        return _flags & 2 != 0;
    }

    function isWithdrawPaused() external view returns (bool) {
        return _flags & 4 != 0;
    }

    function isAbsorbPaused() external view returns (bool) {
        return _flags & 8 != 0;
    }

    function isBuyPaused() external view returns (bool) {
        return _flags & 16 != 0;
    }
}
