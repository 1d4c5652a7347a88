"""The functions: one module each, named like its target in main.py. `handle` answers one request."""
