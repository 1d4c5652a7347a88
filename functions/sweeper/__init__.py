"""The scheduled passes: the sweep each minute and the retention pass each hour."""
