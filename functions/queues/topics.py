"""Names and times of the queue that functions know; `topology` has the whole of it."""

GITHUB = "github"
"""The topic of GitHub's deliveries."""

LIFECYCLE = "lifecycle"
"""The topic of lifecycle events."""

ACK_DEADLINE = 60.0
"""Seconds; a handler makes some ten API calls of at most 10 s, nearly always of milliseconds."""
