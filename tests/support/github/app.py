"""The App: key, installations, tokens and their permissions."""

import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.github.content import Repository

PERMISSIONS = {
    "metadata": "read",
    "contents": "write",
    "issues": "write",
    "pull_requests": "write",
    "checks": "write",
    "statuses": "read",
    "actions": "read",
    "merge_queues": "read",
}


def new_key() -> rsa.RSAPrivateKey:
    """Return a private key as GitHub creates it for an App."""
    return rsa.generate_private_key(65537, 2048)


@cache
def _shared() -> rsa.RSAPrivateKey:
    """Return one key for all Apps of the process, because its creation is slow.

    It is shorter than GitHub's: the check of its primes in each process that signs takes 6 ms; with 2048 bits, 40 ms.
    """
    return rsa.generate_private_key(65537, 1024)


@dataclass
class Token:
    """An installation token: repositories, permissions, expiry."""

    text: str
    installation: int
    granted: list[Repository] | None
    permissions: dict[str, str]
    expires_at: datetime
    revoked: bool = False

    @property
    def repositories(self) -> list[str] | None:
        """Return the present names of its repositories: a token stays valid after a rename."""
        return None if self.granted is None else [each.full_name.split("/")[1] for each in self.granted]

    def covers(self, repository: Repository) -> bool:
        """Return whether the token is valid for the repository."""
        return self.installation == repository.installation and (self.granted is None or repository in self.granted)


@dataclass
class App:
    """One GitHub App."""

    id: int = 12345
    client_id: str = "Iv23liq8WbA0ExampleQ"
    slug: str = "5dlabs-rex"
    lifetime: timedelta = timedelta(hours=1)
    permissions: dict[str, str] = field(default_factory=lambda: dict(PERMISSIONS))
    events: list[str] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    key: rsa.RSAPrivateKey = field(default_factory=_shared, repr=False)

    @property
    def private_key(self) -> str:
        kind = serialization.PrivateFormat.TraditionalOpenSSL
        return self.key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()).decode()

    def shown(self) -> dict[str, Any]:
        name = "5DLabs-Rex"
        named = {"id": self.id, "client_id": self.client_id, "slug": self.slug, "name": name}
        return {**named, "permissions": self.permissions, "events": self.events}

    def knows(self, bearer: str, now: datetime) -> str:
        """Return why a JWT is rejected; empty if it is the App's and not expired."""
        try:
            options: Any = {"verify_exp": False, "verify_iat": False, "require": ["iat", "exp", "iss"]}
            claims = jwt.decode(bearer, self.key.public_key(), algorithms=["RS256"], options=options)
        except jwt.PyJWTError:
            return "A JSON web token could not be decoded"
        if claims["iss"] not in (str(self.id), self.client_id):
            return "Integration not found"
        if claims["iat"] > now.timestamp():
            return "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
        if not now.timestamp() < claims["exp"] <= now.timestamp() + 600:
            return "'Expiration time' claim ('exp') is too far in the future, or in the past"
        return ""

    def token(self, bearer: str, now: datetime) -> Token | None:
        """Return the token with this text, or None once it is expired or revoked."""
        found = (each for each in self.tokens if each.text == bearer and not each.revoked and now < each.expires_at)
        return next(found, None)

    def make(self, installation: int, repositories: list[Repository] | None, permissions: Any, now: datetime) -> Token:
        """Create a token."""
        may = dict(permissions or self.permissions)
        made = Token(f"ghs_{os.urandom(18).hex()}", installation, repositories, may, now + self.lifetime)
        self.tokens.append(made)
        return made
