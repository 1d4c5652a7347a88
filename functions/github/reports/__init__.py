"""What GitHub shows of a run: pull request, sticky comment, check run. Pure."""
