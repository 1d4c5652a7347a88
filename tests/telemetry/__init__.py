"""What the functions tell of their work: logs, traces, metrics."""
