// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// A token that anybody may mint.
contract Coin {
    string public name;
    string public symbol;
    uint8 public immutable decimals;
    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    constructor(string memory symbol_, uint8 decimals_) {
        name = symbol_;
        symbol = symbol_;
        decimals = decimals_;
    }

    function mint(address to, uint256 value) public {
        totalSupply += value;
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function burn(address from, uint256 value) external {
        totalSupply -= value;
        balanceOf[from] -= value;
        emit Transfer(from, address(0), value);
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value;
        emit Transfer(msg.sender, to, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        allowance[from][msg.sender] -= value;
        balanceOf[from] -= value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
        return true;
    }
}

/// A stand-in for a Curve pool of three coins of the first generation: its events and views, and a plain sum instead of
/// its invariant. The token of shares is a contract of its own.
contract CurveStandIn {
    Coin[3] public coins;
    uint256[3] public balances;
    Coin public immutable lp_token;

    event AddLiquidity(
        address indexed provider, uint256[3] token_amounts, uint256[3] fees, uint256 invariant, uint256 token_supply
    );
    event RemoveLiquidity(address indexed provider, uint256[3] token_amounts, uint256[3] fees, uint256 token_supply);
    event RemoveLiquidityOne(address indexed provider, uint256 token_amount, uint256 coin_amount);
    event RemoveLiquidityImbalance(
        address indexed provider, uint256[3] token_amounts, uint256[3] fees, uint256 invariant, uint256 token_supply
    );
    event TokenExchange(
        address indexed buyer, int128 sold_id, uint256 tokens_sold, int128 bought_id, uint256 tokens_bought
    );

    constructor(Coin[3] memory coins_) {
        coins = coins_;
        lp_token = new Coin("3LP", 18);
    }

    function get_virtual_price() external pure returns (uint256) {
        return 1e18;
    }

    function add_liquidity(uint256[3] calldata amounts, uint256) external {
        uint256 sum;
        for (uint256 i; i < 3; ++i) {
            coins[i].transferFrom(msg.sender, address(this), amounts[i]);
            balances[i] += amounts[i];
            sum += amounts[i];
        }
        lp_token.mint(msg.sender, sum);
        uint256[3] memory none;
        emit AddLiquidity(msg.sender, amounts, none, 0, lp_token.totalSupply());
    }

    function remove_liquidity(uint256 amount, uint256[3] calldata) external {
        uint256 supply = lp_token.totalSupply();
        uint256[3] memory paid;
        for (uint256 i; i < 3; ++i) paid[i] = _pay(i, balances[i] * amount / supply);
        lp_token.burn(msg.sender, amount);
        uint256[3] memory none;
        emit RemoveLiquidity(msg.sender, paid, none, supply - amount);
    }

    function remove_liquidity_one_coin(uint256 amount, int128 i, uint256) external {
        lp_token.burn(msg.sender, amount);
        emit RemoveLiquidityOne(msg.sender, amount, _pay(uint256(uint128(i)), amount));
    }

    function remove_liquidity_imbalance(uint256[3] calldata amounts, uint256) external {
        uint256 sum;
        for (uint256 i; i < 3; ++i) sum += _pay(i, amounts[i]);
        lp_token.burn(msg.sender, sum);
        uint256[3] memory none;
        emit RemoveLiquidityImbalance(msg.sender, amounts, none, 0, lp_token.totalSupply());
    }

    function exchange(int128 i, int128 j, uint256 dx, uint256) external {
        coins[uint128(i)].transferFrom(msg.sender, address(this), dx);
        balances[uint128(i)] += dx;
        emit TokenExchange(msg.sender, i, dx, j, _pay(uint128(j), dx));
    }

    function _pay(uint256 i, uint256 amount) private returns (uint256) {
        balances[i] -= amount;
        coins[i].transfer(msg.sender, amount);
        return amount;
    }
}
