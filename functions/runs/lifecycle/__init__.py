"""The life of one run: what was observed, what follows from it, how the status changes. Pure."""
