// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Answers as an aggregator of Chainlink does; whoever asks writes the answer.
contract StageFeed {
    uint8 public immutable decimals;
    string public description;
    uint80 public round;
    int256 public answer;
    uint256 public updatedAt;

    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);

    constructor(uint8 decimals_, string memory description_, int256 first) {
        (decimals, description) = (decimals_, description_);
        push(first);
    }

    function push(int256 answer_) public {
        round++;
        (answer, updatedAt) = (answer_, block.timestamp);
        emit AnswerUpdated(answer_, round, block.timestamp);
    }

    function latestAnswer() external view returns (int256) {
        return answer;
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return (round, answer, updatedAt, updatedAt, round);
    }
}

interface IPair {
    function getReserves() external view returns (uint112, uint112, uint32);
}

/// A price that reads the reserves of a pair as they stand: what no market should rely on.
contract SpotFeed {
    IPair private immutable _pair;
    bool private immutable _isFirst;
    uint256 private immutable _scale;

    constructor(IPair pair, bool isFirst, uint256 scale) {
        (_pair, _isFirst, _scale) = (pair, isFirst, scale);
    }

    /// Quote units for one base token, with 8 digits.
    function latestAnswer() external view returns (int256) {
        (uint256 a, uint256 b,) = _pair.getReserves();
        (uint256 base, uint256 quote) = _isFirst ? (a, b) : (b, a);
        return int256(quote * _scale / base);
    }
}
