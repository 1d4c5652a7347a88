"""GitHub, or the Git host in its place."""

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from functions.settings.types import Section

LOOPBACK = re.compile(r"http://(127(\.\d{1,3}){3}|localhost|\[::1\])(:\d+)?(/|$)")
"""Where plain HTTP leaves no machine: tests, and everything on one machine."""

REDELIVER_DAYS = 3
"""How long GitHub keeps a delivery that it can be asked to repeat (Redelivering webhooks)."""


class GithubSettings(Section):
    """The Git host that repositories are on: github.com, or a GitHub Enterprise Server; and our App there.

    The App (`app_id` and its key) is what calls GitHub; `webhook_secrets` are what its deliveries are known by. A
    function needs the one or the other, or neither.
    """

    api_url: Annotated[
        str,
        Field(
            pattern=r"^https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9./_-]*)?$",
            description="REST API, as in https://HOST/api/v3. Plain http is for loopback only.",
        ),
    ] = "https://api.github.com"
    known_hosts: Annotated[
        list[str], Field(description="SSH host keys of Git hosts besides github.com, as lines of a known_hosts file.")
    ] = []
    app_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]*$", description="The App's id, or its client id.")] = ""
    private_key: Annotated[SecretStr, Field(description="The App's private key, in PEM form.")] = SecretStr("")
    private_key_file: Annotated[Path | None, Field(description="The same in a file, as of a mounted secret.")] = None
    webhook_secrets: Annotated[
        list[Annotated[SecretStr, Field(min_length=1)]],
        Field(description="Secrets of the webhook; several while one is being replaced."),
    ] = []

    default_app: Annotated[
        str,
        Field(
            pattern=r"^([A-Za-z0-9](-?[A-Za-z0-9])*)?$",
            description="App that works, such as 5DLabs-Rex, where a repository's configuration names nobody.",
        ),
    ] = ""
    allowed_users: Annotated[
        list[str], Field(description="Logins whose SSH key a repository's configuration may name as githubUser.")
    ] = []

    @field_validator("api_url")
    @classmethod
    def _encrypted(cls, url: str) -> str:
        if url.startswith("http:") and not LOOPBACK.match(url):
            raise ValueError("must begin with https://, but for a host on loopback")
        return url.rstrip("/")

    @field_validator("app_id", mode="before")
    @classmethod
    def _text(cls, value: object) -> object:
        """YAML reads an id as a number."""
        return str(value) if isinstance(value, int) else value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        inline = bool(self.private_key.get_secret_value())
        if inline and self.private_key_file:
            raise ValueError("private_key and private_key_file are both set; keep one of them")
        if not self.app_id and (inline or self.private_key_file):
            raise ValueError("a private key is set without app_id; set github.app_id too")
        if self.app_id and not (inline or self.private_key_file):
            raise ValueError("app_id is set without a key; set github.private_key or github.private_key_file too")
        if self.app_id and "PRIVATE KEY-----" not in self.key:
            which = "private_key" if inline else "private_key_file"
            raise ValueError(f"{which} holds no private key in PEM form (-----BEGIN RSA PRIVATE KEY-----)")
        return self

    @property
    def key(self) -> str:
        """The App's private key. Raises ValueError where its file cannot be read."""
        if self.private_key_file is None:
            return self.private_key.get_secret_value()
        try:
            return self.private_key_file.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"private_key_file: cannot read {self.private_key_file}: {error}") from error

    @property
    def configured(self) -> bool:
        """Whether there is an App to call GitHub as."""
        return bool(self.app_id)

    @property
    def host(self) -> str:
        """Where repositories are: name, and port where it is not the usual one."""
        return self.api_url.split("/")[2].removeprefix("api.")
