"""Reports a run: lifecycle events for subscribers; comment, check run and pull request on GitHub."""
