"""The permissions and events of the GitHub App, and the manifest that creates it.

(GitHub: Registering a GitHub App from a manifest)
"""

from collections.abc import Mapping
from typing import Any

PERMISSIONS: Mapping[str, str] = {
    "actions": "read",  # the log of a failed job, for the retry that it starts
    "checks": "write",  # a check run on the run's branch
    "contents": "write",  # clone, push
    "issues": "write",  # comments, reactions
    "merge_queues": "read",  # its event
    "metadata": "read",
    "pull_requests": "write",
    "statuses": "read",  # commit statuses: feedback, and the checks that the console shows
}
"""Permission to access, as in GitHub's REST API."""

EVENTS = (
    "check_run",
    "check_suite",  # "Re-run all checks"
    "delete",
    "issue_comment",
    "issues",
    "merge_group",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "status",
)
"""Webhook events to subscribe to. `installation` and `installation_repositories` reach every App unasked."""

LEVELS = ("read", "write", "admin")


def manifest(name: str, homepage: str, webhook_url: str, redirect_url: str) -> dict[str, Any]:
    """Return the manifest of a private App; GitHub sends the code for its keys to `redirect_url`.

    Without `webhook_url` the webhook is inactive; its address is `homepage` until one is entered.
    """
    return {
        "name": name,
        "url": homepage,
        "hook_attributes": {"url": webhook_url or homepage, "active": bool(webhook_url)},
        "redirect_url": redirect_url,
        "public": False,
        "default_permissions": dict(PERMISSIONS),
        "default_events": list(EVENTS),
    }


def missing_permissions(granted: Mapping[str, str]) -> list[str]:
    """Return what an App's permissions lack, as `name: access`."""
    return [f"{name}: {access}" for name, access in PERMISSIONS.items() if not _suffices(granted.get(name, ""), access)]


def missing_events(subscribed: list[str]) -> list[str]:
    """Return the events that an App is not subscribed to."""
    return [event for event in EVENTS if event not in subscribed]


def _suffices(granted: str, needed: str) -> bool:
    return granted in LEVELS and LEVELS.index(granted) >= LEVELS.index(needed)
