// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// A pause that lapses by itself, as those of staking protocols do; and a back door that tells nobody.
contract LapsingPause {
    event Paused(uint256 duration);
    event Resumed();

    uint256 private _resumeSince;

    function getResumeSinceTimestamp() external view returns (uint256) {
        return _resumeSince;
    }

    function isPaused() external view returns (bool) {
        return block.timestamp < _resumeSince;
    }

    function pauseFor(uint256 duration) external {
        _resumeSince = duration == type(uint256).max ? duration : block.timestamp + duration;
        emit Paused(duration);
    }

    function resume() external {
        _resumeSince = block.timestamp;
        emit Resumed();
    }

    function resumeSilently() external {
        _resumeSince = block.timestamp;
    }
}
