"""Reports a run to its audiences: lifecycle events for subscribers; pull request, comment and check run on GitHub."""
