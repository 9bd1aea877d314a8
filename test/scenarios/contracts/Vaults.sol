// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

/// OpenZeppelin's vault; its owner can take assets out for a strategy, and shares can be made for nothing: a flaw.
contract StageVault is ERC4626, Ownable {
    constructor(IERC20 asset_) ERC20("Stage Vault", "sv") ERC4626(asset_) Ownable(msg.sender) {}

    function sweep(address to, uint256 amount) external onlyOwner {
        IERC20(asset()).transfer(to, amount);
    }

    function mintFree(address to, uint256 shares) external {
        _mint(to, shares);
    }
}

/// A vault of the old kind, without virtual shares: the first depositor can rob the second.
contract OldVault is ERC20 {
    IERC20 public immutable asset;

    event Deposit(address indexed sender, address indexed owner, uint256 assets, uint256 shares);
    event Withdraw(
        address indexed sender, address indexed receiver, address indexed owner, uint256 assets, uint256 shares
    );

    constructor(IERC20 asset_) ERC20("Old Vault", "ov") {
        asset = asset_;
    }

    function decimals() public view override returns (uint8) {
        return ERC20(address(asset)).decimals();
    }

    function totalAssets() public view returns (uint256) {
        return asset.balanceOf(address(this));
    }

    function convertToAssets(uint256 shares) public view returns (uint256) {
        return totalSupply() == 0 ? shares : shares * totalAssets() / totalSupply();
    }

    function convertToShares(uint256 assets) public view returns (uint256) {
        return totalSupply() == 0 ? assets : assets * totalSupply() / totalAssets();
    }

    function deposit(uint256 assets, address to) external returns (uint256 shares) {
        shares = convertToShares(assets);
        asset.transferFrom(msg.sender, address(this), assets);
        _mint(to, shares);
        emit Deposit(msg.sender, to, assets, shares);
    }

    function redeem(uint256 shares, address to, address owner) external returns (uint256 assets) {
        require(owner == msg.sender, "not yours");
        assets = convertToAssets(shares);
        _burn(owner, shares);
        asset.transfer(to, assets);
        emit Withdraw(msg.sender, to, owner, assets, shares);
    }
}
