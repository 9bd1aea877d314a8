// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

interface ISafe {
    function execTransactionFromModuleReturnData(address to, uint256 value, bytes calldata data, uint8 operation)
        external
        returns (bool success, bytes memory returnData);
}

/// @title A Safe's calls that a bot may trip: exact, single use, expiring.
/// @notice The Safe enables this module and arms calls. The bot can make an armed call once, before it expires, and
/// nothing else: no value, no delegatecall, no other bytes. Neither the Safe nor the bot can be changed; deploy another
/// module and disable this one.
contract GuardModule {
    /// Longest time for which a call can be armed.
    uint256 public constant MAX_ARMED = 366 days;

    address public immutable safe;
    address public immutable bot;

    /// Unix seconds by id of a call; 0 when it is not armed.
    mapping(bytes32 id => uint256 until) private _armed;

    event Armed(bytes32 indexed id, address indexed target, bytes data, uint256 until);
    event Disarmed(bytes32 indexed id, address indexed target, bytes data);
    event Tripped(bytes32 indexed id, address indexed target, bytes data);

    error NotSafe();
    error NotBot();
    error NotArmed();
    error Expired(uint256 until);
    error BadTarget();
    error BadExpiry();
    error BadParties();
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

    function idOf(address target, bytes calldata data) public pure returns (bytes32) {
        return keccak256(abi.encode(target, keccak256(data)));
    }

    /// Unix seconds until which the bot may make this call; 0 when it is not armed or was used.
    function armedUntil(address target, bytes calldata data) external view returns (uint256) {
        return _armed[idOf(target, data)];
    }

    /// Lets the bot make exactly this call once, up to and including the second `until`.
    function arm(address target, bytes calldata data, uint256 until) external onlySafe {
        // Calls to the Safe or to this module could change owners, modules or what is armed.
        if (target == safe || target == address(this) || target.code.length == 0 || data.length < 4) revert BadTarget();
        if (until <= block.timestamp || until > block.timestamp + MAX_ARMED) revert BadExpiry();
        bytes32 id = idOf(target, data);
        _armed[id] = until;
        emit Armed(id, target, data, until);
    }

    function disarm(address target, bytes calldata data) external onlySafe {
        bytes32 id = idOf(target, data);
        if (_armed[id] == 0) revert NotArmed();
        delete _armed[id];
        emit Disarmed(id, target, data);
    }

    /// Makes an armed call in the name of the Safe. It is used up, unless the call reverts.
    function trip(address target, bytes calldata data) external {
        if (msg.sender != bot) revert NotBot();
        bytes32 id = idOf(target, data);
        uint256 until = _armed[id];
        if (until == 0) revert NotArmed();
        if (block.timestamp > until) revert Expired(until);
        if (target.code.length == 0) revert BadTarget();
        delete _armed[id];
        (bool success, bytes memory returned) = ISafe(safe).execTransactionFromModuleReturnData(target, 0, data, 0);
        if (!success) {
            if (returned.length == 0) revert CallFailed();
            assembly {
                revert(add(returned, 32), mload(returned))
            }
        }
        emit Tripped(id, target, data);
    }
}
