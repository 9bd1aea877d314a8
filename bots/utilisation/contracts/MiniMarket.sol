// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// A token whose maker may give and take.
contract MiniToken {
    string public symbol;
    uint8 public constant decimals = 6;
    uint256 public totalSupply;
    mapping(address holder => uint256) public balanceOf;

    event Transfer(address indexed from, address indexed to, uint256 value);

    constructor(string memory symbol_) {
        symbol = symbol_;
    }

    function give(address to, uint256 value) external {
        totalSupply += value;
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function take(address from, uint256 value) external {
        totalSupply -= value;
        balanceOf[from] -= value;
        emit Transfer(from, address(0), value);
    }
}

/// One reserve with the face of an Aave v3 pool: enough to read what it owes and has.
contract MiniMarket {
    struct Reserve {
        uint256 configuration;
        uint128 liquidityIndex;
        uint128 currentLiquidityRate;
        uint128 variableBorrowIndex;
        uint128 currentVariableBorrowRate;
        uint128 currentStableBorrowRate;
        uint40 lastUpdateTimestamp;
        uint16 id;
        address aTokenAddress;
        address stableDebtTokenAddress;
        address variableDebtTokenAddress;
        address interestRateStrategyAddress;
        uint128 accruedToTreasury;
        uint128 unbacked;
        uint128 isolationModeTotalDebt;
    }

    MiniToken public immutable asset = new MiniToken("mUSD");
    MiniToken public immutable aToken = new MiniToken("amUSD");
    MiniToken public immutable debt = new MiniToken("dmUSD");

    event Supply(address indexed reserve, address user, address indexed onBehalfOf, uint256 amount, uint16 indexed referralCode);
    event Borrow(address indexed reserve, address user, address indexed onBehalfOf, uint256 amount, uint8 interestRateMode, uint256 borrowRate, uint16 indexed referralCode);
    event Repay(address indexed reserve, address indexed user, address indexed repayer, uint256 amount, bool useATokens);
    event DeficitCreated(address indexed user, address indexed debtAsset, uint256 amountCreated);

    function supply(uint256 amount) external {
        asset.give(address(aToken), amount);
        aToken.give(msg.sender, amount);
        emit Supply(address(asset), msg.sender, msg.sender, amount, 0);
    }

    function borrow(uint256 amount) external {
        asset.take(address(aToken), amount);
        debt.give(msg.sender, amount);
        emit Borrow(address(asset), msg.sender, msg.sender, amount, 2, 0, 0);
    }

    function repay(uint256 amount) external {
        asset.give(address(aToken), amount);
        debt.take(msg.sender, amount);
        emit Repay(address(asset), msg.sender, msg.sender, amount, false);
    }

    function writeOff(uint256 amount) external {
        debt.take(msg.sender, amount);
        emit DeficitCreated(msg.sender, address(asset), amount);
    }

    function getReservesList() external view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(asset);
    }

    function getReserveData(address) external view returns (Reserve memory reserve) {
        reserve.aTokenAddress = address(aToken);
        reserve.variableDebtTokenAddress = address(debt);
    }
}
