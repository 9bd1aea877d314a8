// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// An aggregator with bounds whose answers its owner writes. For tests.
contract TestAggregator {
    int192 public immutable minAnswer;
    int192 public immutable maxAnswer;
    uint80 public round;
    int256 public answer;
    uint256 public updatedAt;

    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);

    constructor(int192 min, int192 max) {
        minAnswer = min;
        maxAnswer = max;
    }

    function set(uint80 round_, int256 answer_, uint256 updatedAt_) public {
        (round, answer, updatedAt) = (round_, answer_, updatedAt_);
        emit AnswerUpdated(answer_, round_, updatedAt_);
    }

    function push(int256 answer_) external {
        set(round + 1, answer_, block.timestamp);
    }
}

/// A feed in front of an aggregator: its rounds carry the number of the aggregator, as Chainlink's do.
contract TestFeed {
    TestAggregator public aggregator;
    uint16 public phaseId;
    string public description;

    constructor(TestAggregator first, string memory description_) {
        (aggregator, phaseId, description) = (first, 1, description_);
    }

    function decimals() external pure returns (uint8) {
        return 8;
    }

    function change(TestAggregator next) external {
        (aggregator, phaseId) = (next, phaseId + 1);
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        uint80 id = (uint80(phaseId) << 64) | aggregator.round();
        uint256 at = aggregator.updatedAt();
        return (id, aggregator.answer(), at, at, id);
    }
}
