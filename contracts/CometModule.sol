// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

interface IPausableComet {
    function pause(bool supplyPaused, bool transferPaused, bool withdrawPaused, bool absorbPaused, bool buyPaused)
        external;
    function isSupplyPaused() external view returns (bool);
    function isTransferPaused() external view returns (bool);
    function isWithdrawPaused() external view returns (bool);
    function isAbsorbPaused() external view returns (bool);
    function isBuyPaused() external view returns (bool);
}

interface ICallingSafe {
    function execTransactionFromModuleReturnData(address to, uint256 value, bytes calldata data, uint8 operation)
        external
        returns (bool success, bytes memory returnData);
}

/// @title Pause flags of a Compound v3 market that a Safe lets a bot raise, and that it can never lower.
/// @notice The Safe is the market's pause guardian, enables this module, and arms flags of a market: bit 0 supply, 1
/// transfer, 2 withdraw, 3 absorb, 4 buy. The bot can raise armed flags once, before they expire, and nothing else. The
/// flags that stand are read in the same transaction and raised again, so that whatever others raised before it, in the
/// same block too, stays raised. Neither the Safe nor the bot can be changed; deploy another module and disable this one.
contract CometModule {
    /// Longest time for which flags can be armed.
    uint256 public constant MAX_ARMED = 366 days;
    uint8 public constant ALL = 31;

    struct Armed {
        uint8 flags;
        uint64 until;
    }

    address public immutable safe;
    address public immutable bot;

    mapping(address comet => Armed) private _armed;

    event FlagsArmed(address indexed comet, uint8 flags, uint256 until);
    event FlagsDisarmed(address indexed comet);
    event Raised(address indexed comet, uint8 wanted, uint8 stood);

    error NotSafe();
    error NotBot();
    error NotArmed();
    error Expired(uint256 until);
    error BadTarget();
    error BadFlags();
    error BadExpiry();
    error BadParties();
    error AlreadyRaised();
    error CallFailed();

    constructor(address safe_, address bot_) {
        if (safe_ == address(0) || bot_ == address(0) || safe_ == bot_) revert BadParties();
        safe = safe_;
        bot = bot_;
    }

    modifier onlySafe() {
        if (msg.sender != safe) revert NotSafe();
        _;
    }

    /// What the bot may raise, and until when in Unix seconds; zeros when nothing is armed or it was used.
    function armed(address comet) external view returns (uint8 flags, uint64 until) {
        Armed memory entry = _armed[comet];
        return (entry.flags, entry.until);
    }

    /// Lets the bot raise these flags, or fewer, once, up to and including the second `until`.
    function arm(address comet, uint8 flags, uint256 until) external onlySafe {
        if (comet == safe || comet == address(this) || comet.code.length == 0) revert BadTarget();
        if (flags == 0 || flags > ALL) revert BadFlags();
        if (until <= block.timestamp || until > block.timestamp + MAX_ARMED) revert BadExpiry();
        _armed[comet] = Armed(flags, uint64(until));
        emit FlagsArmed(comet, flags, until);
    }

    function disarm(address comet) external onlySafe {
        if (_armed[comet].until == 0) revert NotArmed();
        delete _armed[comet];
        emit FlagsDisarmed(comet);
    }

    /// The flags that stand raised now.
    function flagsOf(address comet) public view returns (uint8 flags) {
        IPausableComet market = IPausableComet(comet);
        if (market.isSupplyPaused()) flags |= 1;
        if (market.isTransferPaused()) flags |= 2;
        if (market.isWithdrawPaused()) flags |= 4;
        if (market.isAbsorbPaused()) flags |= 8;
        if (market.isBuyPaused()) flags |= 16;
    }

    /// Raises armed flags beside those that stand. It is used up, unless the call reverts.
    function raise(address comet, uint8 flags) external {
        if (msg.sender != bot) revert NotBot();
        Armed memory entry = _armed[comet];
        if (entry.until == 0) revert NotArmed();
        if (flags == 0 || flags & ~entry.flags != 0) revert BadFlags();
        if (block.timestamp > entry.until) revert Expired(entry.until);
        uint8 stood = flagsOf(comet);
        if (flags & ~stood == 0) revert AlreadyRaised();
        delete _armed[comet];
        uint8 all = stood | flags;
        bytes memory data = abi.encodeCall(
            IPausableComet.pause, (all & 1 != 0, all & 2 != 0, all & 4 != 0, all & 8 != 0, all & 16 != 0)
        );
        (bool success, bytes memory returned) = ICallingSafe(safe).execTransactionFromModuleReturnData(comet, 0, data, 0);
        if (!success) {
            if (returned.length == 0) revert CallFailed();
            assembly {
                revert(add(returned, 32), mload(returned))
            }
        }
        emit Raised(comet, flags, stood);
    }
}
