"""Webhook deliveries as GitHub sends them: signed, sent once, logged, and redelivered on request with the same guid."""

import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import urllib3

if TYPE_CHECKING:
    from tests.support.github.server import Github

KEPT = timedelta(days=3)
Send = Callable[[Mapping[str, str], bytes], int]
"""Delivers an event to the webhook; returns the status of the answer, 0 without one."""


@dataclass(frozen=True)
class Delivery:
    """One sending of an event."""

    id: int
    guid: str
    event: str
    payload: Any
    delivered_at: datetime
    redelivery: bool
    status_code: int

    def shown(self) -> dict[str, Any]:
        """Return the delivery as the list of deliveries shows it."""
        payload = self.payload if isinstance(self.payload, dict) else {}
        return {
            "id": self.id,
            "guid": self.guid,
            "delivered_at": self.delivered_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "redelivery": self.redelivery,
            "duration": 0.11,
            "status": _status(self.status_code),
            "status_code": self.status_code,
            "event": self.event,
            "action": payload.get("action"),
            "installation_id": (payload.get("installation") or {}).get("id"),
            "repository_id": (payload.get("repository") or {}).get("id"),
        }


def _status(code: int) -> str:
    if code == 0:
        return "failed to connect to host"
    return "OK" if code < 400 else f"Invalid HTTP Response: {code}"


class Hook:
    """The App's webhook. It sends to `url`, unless `send` is set."""

    def __init__(self, github: "Github") -> None:
        self.secret = "It's a Secret to Everybody"
        self.url = ""
        self.send: Send = self._over_http
        self.log: list[Delivery] = []
        self._github = github

    def deliver(self, event: str, payload: Any, guid: str = "") -> Delivery:
        """Send an event and log the delivery, also if it fails."""
        return self._deliver(event, payload, guid or str(uuid.uuid4()), redelivery=False)

    def again(self, identifier: int) -> Delivery | None:
        """Send a delivery again; return None if it is no longer kept."""
        found = next((each for each in self.kept() if each.id == identifier), None)
        return found and self._deliver(found.event, found.payload, found.guid, redelivery=True)

    def kept(self) -> list[Delivery]:
        """Return the deliveries that GitHub still keeps, newest first."""
        since = self._github.clock() - KEPT
        return [each for each in reversed(self.log) if each.delivered_at > since]

    def headers(self, event: str, guid: str, body: bytes) -> dict[str, str]:
        """Return the headers that GitHub sends with a payload."""
        return {
            "Accept": "*/*",
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/044aadd",
            "X-GitHub-Delivery": guid,
            "X-GitHub-Event": event,
            "X-GitHub-Hook-ID": "292430182",
            "X-GitHub-Hook-Installation-Target-ID": str(self._github.app.id),
            "X-GitHub-Hook-Installation-Target-Type": "integration",
            "X-Hub-Signature": "sha1=" + hmac.new(self.secret.encode(), body, hashlib.sha1).hexdigest(),
            "X-Hub-Signature-256": "sha256=" + hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest(),
        }

    def _deliver(self, event: str, payload: Any, guid: str, *, redelivery: bool) -> Delivery:
        body = json.dumps(payload).encode()
        code = self.send(self.headers(event, guid, body), body)
        identifier = next(self._github.place.ids)
        made = Delivery(identifier, guid, event, payload, self._github.clock(), redelivery, code)
        self.log.append(made)
        return made

    def _over_http(self, headers: Mapping[str, str], body: bytes) -> int:
        try:
            return urllib3.request("POST", self.url, headers=headers, body=body, retries=False, timeout=30).status
        except (urllib3.exceptions.HTTPError, ValueError):
            return 0
