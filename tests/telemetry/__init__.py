"""Logs, traces and metrics of the functions."""
