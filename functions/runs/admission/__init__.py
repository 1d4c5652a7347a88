"""Which runs may work at once: limits, capacity, the pending queue, the ledger. Pure."""
