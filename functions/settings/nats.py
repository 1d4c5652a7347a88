"""The connection to NATS JetStream."""

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from functions.settings.types import Section

SERVER = re.compile(r"(nats|tls)://(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?")
"""A server's URL. Credentials have settings of their own, so that no error or log line repeats them."""


def _server(value: str) -> str:
    if not SERVER.fullmatch(value):
        raise ValueError("must be nats://HOST:PORT or tls://HOST:PORT; credentials have settings of their own")
    return value


class NatsSettings(Section):
    """The servers of one NATS account, and how to authenticate: a credentials file, a user, a token, or none.

    Files are read again at every connection, so that rotated ones need no restart.
    """

    servers: Annotated[
        list[Annotated[str, AfterValidator(_server)]],
        Field(description="URLs of the servers of one cluster, such as nats://nats:4222."),
    ] = []
    credentials_file: Annotated[
        Path | None, Field(description="File with a user's JWT and key (.creds), for accounts of an operator.")
    ] = None
    user: Annotated[str, Field(description="Name of a user with a password.")] = ""
    password: Annotated[SecretStr, Field(description="The user's password.")] = SecretStr("")
    password_file: Annotated[Path | None, Field(description="File with the user's password.")] = None
    token: Annotated[SecretStr, Field(description="Token, for servers that have one for everybody.")] = SecretStr("")
    ca_file: Annotated[
        Path | None, Field(description="Certificates that sign the servers' (PEM); empty: the system's. Turns TLS on.")
    ] = None
    certificate_file: Annotated[Path | None, Field(description="Certificate of this client (PEM).")] = None
    key_file: Annotated[Path | None, Field(description="Key of that certificate (PEM).")] = None
    replicas: Annotated[
        int, Field(ge=1, le=5, description="Servers that keep each message: 1, or 3 on a cluster of three or more.")
    ] = 1

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        ways = {"credentials_file": self.credentials_file, "user": self.user, "token": self.token.get_secret_value()}
        given = [name for name, value in ways.items() if value]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are both set; keep one of them")
        passwords = [bool(self.password.get_secret_value()), self.password_file is not None]
        if sum(passwords) != bool(self.user):
            raise ValueError("user needs password or password_file, one of them, and they need user")
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file are set together or not at all")
        return self

    @property
    def encrypted(self) -> bool:
        """Whether the connection uses TLS."""
        return any(server.startswith("tls:") for server in self.servers) or bool(self.ca_file or self.certificate_file)
