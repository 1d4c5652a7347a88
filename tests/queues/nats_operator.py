"""A NATS operator with one account and its users, as `nsc` creates them, for servers in operator mode.

The tokens are JWTs with the algorithm ed25519-nkey (NATS: JSON Web Tokens, format version 2).
"""

import base64
import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nkeys

UNLIMITED = dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), -1)
STORAGE = {"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}


@dataclass(frozen=True)
class Key:
    """A key pair: the seed and the public key, as text."""

    seed: bytes
    public: str

    @classmethod
    def new(cls, role: int) -> "Key":
        """Create a key for a role: one of the PREFIX_BYTE_* of nkeys."""
        seed = nkeys.encode_seed(os.urandom(32), role)
        return cls(seed, nkeys.from_seed(bytearray(seed)).public_key.decode())

    def signed(self, subject: "Key", kind: str, **claims: Any) -> str:
        """Return a token about `subject`."""
        body = {"iat": int(time.time()), "iss": self.public, "sub": subject.public, "name": kind}
        body |= {"nats": {**claims, "type": kind, "version": 2}}
        body["jti"] = base64.b32encode(hashlib.sha256(json.dumps(body).encode()).digest()).decode().rstrip("=")
        text = f"{_part({'typ': 'JWT', 'alg': 'ed25519-nkey'})}.{_part(body)}"
        return f"{text}.{_encoded(nkeys.from_seed(bytearray(self.seed)).sign(text.encode()))}"


def _part(value: Any) -> str:
    return _encoded(json.dumps(value).encode())


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


class Operator:
    """An operator with one account that uses JetStream, and the system account that JetStream needs."""

    def __init__(self) -> None:
        self._own = Key.new(nkeys.PREFIX_BYTE_OPERATOR)
        self._account, self._system = Key.new(nkeys.PREFIX_BYTE_ACCOUNT), Key.new(nkeys.PREFIX_BYTE_ACCOUNT)

    def configuration(self) -> str:
        """Return the lines for a server's configuration."""
        limits = {**UNLIMITED, "wildcards": True}
        account = self._own.signed(self._account, "account", limits={**limits, **STORAGE})
        system = self._own.signed(self._system, "account", limits=limits)
        return (
            f"operator: {self._own.signed(self._own, 'operator')}\n"
            f"system_account: {self._system.public}\nresolver: MEMORY\n"
            f"resolver_preload: {{ {self._account.public}: {account}, {self._system.public}: {system} }}\n"
        )

    def credentials(self, file: Path) -> Path:
        """Write the credentials of a new user of the account, and return the file."""
        user = Key.new(nkeys.PREFIX_BYTE_USER)
        token = self._account.signed(user, "user", subs=-1, data=-1, payload=-1)
        parts = (("NATS USER JWT", token), ("USER NKEY SEED", user.seed.decode()))
        file.write_text("".join(f"-----BEGIN {name}-----\n{text}\n------END {name}------\n\n" for name, text in parts))
        return file
