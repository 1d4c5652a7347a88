"""Reads fields of GitHub's JSON without raising: missing, null and of another type all read as empty. Pure.

Webhook payloads and answers of the REST API both omit fields, and send null for deleted users, forks and branches.
"""

from collections.abc import Mapping
from typing import Any


def dig(value: Any, *path: str) -> Any:
    """Return the value at that path of nested objects; None if there is none."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def dig_text(value: Any, *path: str) -> str:
    """Return the string at that path; empty if there is none."""
    text = dig(value, *path)
    return text if isinstance(text, str) else ""


def dig_number(value: Any, *path: str) -> int:
    """Return the integer at that path; 0 if there is none."""
    number = dig(value, *path)
    return number if isinstance(number, int) and not isinstance(number, bool) else 0


def is_app(app: Any, app_id: str) -> bool:
    """Return whether an App, as GitHub shows it, has `app_id` as its id or client id; either may be configured."""
    return app_id in [str(identifier) for identifier in (dig(app, "id"), dig(app, "client_id")) if identifier]
