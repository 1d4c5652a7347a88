"""Reads and writes of the objects that the functions keep on the cluster: runs, the ledger, checkpoints."""
