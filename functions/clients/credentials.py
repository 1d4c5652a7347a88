"""The credentials that commands send to a function, by where the function is.

    ORCHESTRATOR_TOKEN set                      that bearer token, for every function
    *.run.app, *.cloudfunctions.net             a Google identity token for the function
    anywhere else                               none: without tokens a function serves its own machine only

A token is never an option, because other users of a machine see command lines, and is never sent unencrypted.
"""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from functions.clients.errors import CommandError

VARIABLE = "ORCHESTRATOR_TOKEN"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
CLOUD = (".run.app", ".cloudfunctions.net")
"""Domains whose functions accept Google identity tokens (Cloud Run: Authenticating developers)."""

KEY_FILE = "GOOGLE_APPLICATION_CREDENTIALS"
GCLOUD_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Credentials:
    """The headers to send, and what people can do if they are rejected."""

    headers: Mapping[str, str] = field(repr=False)
    remedy: str


def credentials(url: str, environ: Mapping[str, str]) -> Credentials:
    """Return the credentials for a function at `url`; raise CommandError if it needs some and there are none."""
    where = urlsplit(url)
    host = (where.hostname or "").lower()
    token = environ.get(VARIABLE, "").strip()
    if token:
        _check(token, where.scheme, host)
        remedy = f"the token in {VARIABLE} was not accepted: it must be one of the server's setting auth.tokens"
        return Credentials(_bearer(token), remedy)
    if host.endswith(CLOUD):
        return _google(_audience(url), environ)
    return Credentials({}, f"no token was sent: set {VARIABLE} to one of the server's setting auth.tokens")


def _check(token: str, scheme: str, host: str) -> None:
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise CommandError(f"{VARIABLE} must be one word of printable ASCII characters")
    if scheme != "https" and host not in LOOPBACK:
        raise CommandError(f"{VARIABLE} is set, and {host} would get the token unencrypted: use an https URL")


def _bearer(token: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _audience(url: str) -> str:
    """Return the audience of a token: the address of a Cloud Run service, the URL of a cloudfunctions.net function."""
    where = urlsplit(url)
    path = where.path if (where.hostname or "").endswith(".cloudfunctions.net") else ""
    return f"{where.scheme}://{where.netloc}{path}"


def _google(audience: str, environ: Mapping[str, str]) -> Credentials:
    """Return an identity token: of the key file if one is named, else of gcloud's account, else of the machine's."""
    gcloud = shutil.which("gcloud", path=environ.get("PATH"))
    if environ.get(KEY_FILE):
        account, token = f"the account in {KEY_FILE}", _token_of_google_auth(audience)
    elif gcloud:
        account, token = "gcloud's account (gcloud config get account)", _token_of_gcloud(gcloud, environ)
    else:
        account, token = "the machine's service account", _token_of_google_auth(audience)
    return Credentials(
        _bearer(token), f"{account} may not call it: it needs the role roles/run.invoker on the function"
    )


def _token_of_gcloud(gcloud: str, environ: Mapping[str, str]) -> str:
    # Without --audiences, which gcloud rejects for people; Cloud Run accepts the audience of their tokens.
    command = [gcloud, "auth", "print-identity-token", "--quiet"]
    try:
        done = subprocess.run(
            command,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=GCLOUD_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandError(f"gcloud auth print-identity-token: {error}") from error
    if done.returncode or not done.stdout.strip():
        raise CommandError(
            f"no Google identity token: gcloud says: {done.stderr.strip() or 'nothing'}\n"
            f"sign in with `gcloud auth login`, or name a service account's key file in {KEY_FILE}"
        )
    return done.stdout.strip()


def _token_of_google_auth(audience: str) -> str:
    from google.auth.exceptions import GoogleAuthError  # takes 0.1 s, and only a function on Google Cloud needs it
    from google.auth.transport.requests import Request
    from google.oauth2.id_token import fetch_id_token

    try:
        return str(fetch_id_token(Request(), audience))  # type: ignore[no-untyped-call]
    except GoogleAuthError as error:
        raise CommandError(
            f"no Google identity token: {error}\nname a service account's key file in {KEY_FILE}, "
            f"or install gcloud and sign in with `gcloud auth login`"
        ) from error
