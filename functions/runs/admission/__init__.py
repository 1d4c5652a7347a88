"""Decides which runs may work at the same time: limits, capacity, the pending queue, the ledger. Pure."""
