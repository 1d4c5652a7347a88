"""Names and times of the queue that functions know; how all of it is connected stands in `topology`."""

GITHUB = "github"
"""The topic of deliveries of GitHub."""

LIFECYCLE = "lifecycle"
"""The topic of lifecycle events."""

ACK_DEADLINE = 60.0
"""Seconds; a handler makes some ten API calls of at most 10 s, nearly always of milliseconds."""
