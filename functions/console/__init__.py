"""The console: the web pages of an installation, rendered on the server: all runs, each run, and its agent's log."""
