"""The Git host (github.com or a GitHub Enterprise Server) and the GitHub App."""

import re
from pathlib import Path
from typing import Annotated, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from functions.runs.model.fields import GithubUser, RepositoryUrl
from functions.settings.types import Section, matching

LOOPBACK = re.compile(r"https?://(127(\.\d{1,3}){3}|localhost|\[::1\])(:\d+)?(/|$)")
"""An API on this machine, which plain HTTP does not leave: tests, and everything on one machine."""

_API = re.compile(r"https://api\.[^/]+|https://[^/]+/(.+/)?api/v3", re.IGNORECASE)
"""Addresses of the REST API: of github.com and ghe.com, and of GitHub Enterprise Server."""

REDELIVER_DAYS = 3
"""How long GitHub keeps a delivery for redelivery (GitHub: Redelivering webhooks)."""


_BOT = matching(
    r"[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(\[bot\])?", "must be a login without @, such as renovate[bot] for an App"
)


def _on_one_line(secret: SecretStr) -> SecretStr:
    """Return the secret. Raises ValueError if it ends in a line break, as a file's content does: no signature fits."""
    if secret.get_secret_value().endswith(("\n", "\r")):
        raise ValueError("ends in a line break; write the secret without it")
    return secret


class GithubSettings(Section):
    """The Git host that repositories are on, and our App there.

    The App (`app_id` and its key) authenticates calls to GitHub; `webhook_secrets` authenticate its deliveries. A
    function needs one of the two, or neither.
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
    app_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]*$", description="The App's id or client id.")] = ""
    private_key: Annotated[
        SecretStr, Field(description="The App's private RSA key in PEM form; \\n may stand for a line break.")
    ] = SecretStr("")
    private_key_file: Annotated[
        Path | None, Field(description="A file with the key, such as a mounted secret; read again at every use.")
    ] = None
    webhook_secrets: Annotated[
        list[Annotated[SecretStr, Field(min_length=1), AfterValidator(_on_one_line)]],
        Field(description="Secrets of the webhook; several while one is being replaced."),
    ] = []

    default_app: Annotated[
        str,
        Field(
            pattern=r"^([A-Za-z0-9](-?[A-Za-z0-9])*)?$",
            description="App that works, such as Acme-Rex, if a repository's configuration names none.",
        ),
    ] = ""
    allowed_users: Annotated[
        list[GithubUser],
        Field(description="Logins whose SSH key a repository's configuration may name as githubUser."),
    ] = []

    readable_repositories: Annotated[
        list[RepositoryUrl],
        Field(description="URLs of repositories that every run may read too, such as private submodules."),
    ] = []

    bots: Annotated[
        list[Annotated[str, _BOT]],
        Field(description="Logins of bots, such as renovate[bot], whose commands, labels and reviews count."),
    ] = []

    @field_validator("api_url")
    @classmethod
    def _encrypted(cls, url: str) -> str:
        if url.startswith("http:") and not LOOPBACK.match(url):
            raise ValueError("must begin with https://; http:// is for loopback addresses only")
        return url.rstrip("/")

    @field_validator("api_url")
    @classmethod
    def _of_the_api(cls, url: str) -> str:
        if not (LOOPBACK.match(url) or _API.fullmatch(url)):
            raise ValueError(f"is not the address of the REST API; write {_rest_address(url.split('/')[2])}")
        return url

    @field_validator("app_id", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        """Return an id that YAML reads as a number as text."""
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        inline = bool(self.private_key.get_secret_value())
        if inline and self.private_key_file:
            raise ValueError("private_key and private_key_file are both set; keep one of them")
        if not self.app_id and (inline or self.private_key_file):
            raise ValueError("a private key is set without app_id; set github.app_id too")
        if self.app_id and not (inline or self.private_key_file):
            raise ValueError("app_id is set without a key; set github.private_key or github.private_key_file too")
        if self.app_id and not _is_rsa_key(self.key):
            which = "private_key" if inline else "private_key_file"
            raise ValueError(
                f"{which} holds no private key in PEM form that can be read; it must be an RSA key without a "
                "passphrase, as GitHub generates for the App (-----BEGIN RSA PRIVATE KEY-----)"
            )
        return self

    @property
    def key(self) -> str:
        """The App's private key in PEM form. Raises ValueError if its file cannot be read."""
        if self.private_key_file is None:
            return _with_line_breaks(self.private_key.get_secret_value())
        try:
            return _with_line_breaks(self.private_key_file.read_text())
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"private_key_file: cannot read {self.private_key_file}: {error}") from error

    @property
    def configured(self) -> bool:
        """Whether there is an App to authenticate as."""
        return bool(self.app_id)

    @property
    def host(self) -> str:
        """The host of repository URLs in lower case, with the port if it is not the default of https."""
        return self.api_url.split("/")[2].lower().removesuffix(":443").removeprefix("api.")


def _rest_address(host: str) -> str:
    """Return the address of the REST API of github.com, of ghe.com, or of a GitHub Enterprise Server."""
    cloud = re.fullmatch(r"(?:www\.|api\.)?(github\.com|[^.]+\.ghe\.com)(?::443)?", host, re.IGNORECASE)
    return f"https://api.{cloud[1].lower()}" if cloud else f"https://{host}/api/v3"


def _with_line_breaks(pem: str) -> str:
    """Return the key with line breaks where an environment variable has a backslash and an n."""
    return pem.replace("\\r\\n", "\n").replace("\\n", "\n")


def _is_rsa_key(pem: str) -> bool:
    try:
        return isinstance(load_pem_private_key(pem.encode(), password=None), RSAPrivateKey)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it has a passphrase
        return False
