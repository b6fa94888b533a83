"""What the pages share: the filter in their address, the stores behind them, templates, exports."""
