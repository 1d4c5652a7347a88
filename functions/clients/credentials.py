"""Credentials for the submit functions, chosen by URL.

    ORCHESTRATOR_TOKEN set                      that bearer token, for any URL
    *.run.app, *.cloudfunctions.net             a Google identity token
    any other URL                               no credentials: without tokens a function only serves its own machine

Tokens are not command line options, because other users of a machine can see command lines. A token is only sent
over https or to this machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from functions.clients.errors import CommandError

VARIABLE = "ORCHESTRATOR_TOKEN"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
CLOUD = (".run.app", ".cloudfunctions.net")
"""Domains whose functions take Google identity tokens (Cloud Run: Authenticating developers)."""

KEY_FILE = "GOOGLE_APPLICATION_CREDENTIALS"
GCLOUD_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Credentials:
    """Request headers, and what a user can do if the function rejects them."""

    headers: Mapping[str, str] = field(repr=False)
    remedy: str


def credentials(url: str, environ: Mapping[str, str]) -> Credentials:
    """Return the credentials for a function at `url`.

    Raises:
        CommandError: no credentials are available, or sending them would be unsafe.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    token = environ.get(VARIABLE, "").strip()
    if token:
        _check(token, parts.scheme, host)
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
    """Return the token's audience: the origin of a Cloud Run service, the URL of a function on cloudfunctions.net."""
    parts = urlsplit(url)
    path = parts.path if (parts.hostname or "").endswith(".cloudfunctions.net") else ""
    return f"{parts.scheme}://{parts.netloc}{path}"


def _google(audience: str, environ: Mapping[str, str]) -> Credentials:
    """Return an identity token of the key file if set, else of gcloud's account, else of the machine's account."""
    import shutil

    gcloud = None if environ.get(KEY_FILE) else shutil.which("gcloud", path=environ.get("PATH"))
    account = f"the account in {KEY_FILE}" if environ.get(KEY_FILE) else "the machine's service account"
    token = _gcloud_token(gcloud, environ) if gcloud else _google_auth_token(audience)
    if gcloud:
        account = "gcloud's account (gcloud config get account)"
    return Credentials(
        _bearer(token), f"{account} may not call it: it needs the role roles/run.invoker on the function"
    )


def _gcloud_token(gcloud: str, environ: Mapping[str, str]) -> str:
    import subprocess

    # Without --audiences, which gcloud rejects for user accounts; Cloud Run accepts the audience of their tokens.
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


def _google_auth_token(audience: str) -> str:
    # Only Google Cloud needs these; they would slow down every other command.
    import urllib3
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.urllib3 import Request
    from google.oauth2.id_token import fetch_id_token

    try:
        return str(fetch_id_token(Request(urllib3.PoolManager()), audience))  # type: ignore[no-untyped-call]
    except GoogleAuthError as error:
        raise CommandError(
            f"no Google identity token: {error}\nname a service account's key file in {KEY_FILE}, "
            f"or install gcloud and sign in with `gcloud auth login`"
        ) from error
