"""Logs, traces and metrics of the functions; traces and metrics are exported only if a collector is configured."""
