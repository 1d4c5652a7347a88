"""The protocol of registering a GitHub App from a manifest. Pure.

(GitHub: Registering a GitHub App from a manifest)
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from functions.clients.github_app.files import NewApp, SetupError


@dataclass(frozen=True, slots=True)
class Registration:
    """One registration at `host`; `state` ties GitHub's answer to it."""

    host: str
    organization: str
    state: str = field(repr=False)

    @property
    def form_url(self) -> str:
        """The URL to which the browser posts the manifest."""
        owner = f"/organizations/{quote(self.organization, safe='')}" if self.organization else ""
        return f"{self.host}{owner}/settings/apps/new?{urlencode({'state': self.state})}"

    def conversion_url(self, code: str) -> str:
        """Return the URL that gives the App's keys for a code."""
        api = "https://api.github.com" if self.host == "https://github.com" else f"{self.host}/api/v3"
        return f"{api}/app-manifests/{quote(code, safe='')}/conversions"

    def accepts(self, state: str) -> bool:
        """Return whether GitHub's answer belongs to this registration."""
        return hmac.compare_digest(state.encode(), self.state.encode())

    def read(self, answer: object) -> NewApp:
        """Return the App in the answer. Raises SetupError."""
        given = answer if isinstance(answer, Mapping) else {}
        try:
            return NewApp(
                id=str(int(given["id"])),
                client_id=str(given["client_id"]),
                slug=str(given["slug"]),
                page=str(given["html_url"]),
                private_key=str(given["pem"]),
                webhook_secret=str(given.get("webhook_secret") or ""),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise SetupError(f"GitHub's answer lacks a field of the App: {error}") from None
