"""`orchestrator task`: submit docs and code runs; missing values are inferred from git."""
