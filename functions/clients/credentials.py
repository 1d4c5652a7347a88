"""Who asks: the header that tells a function so, by where the function is.

    ORCHESTRATOR_TOKEN set                      that bearer token, wherever the function is
    *.run.app, *.cloudfunctions.net             a Google identity token for it
    anywhere else                               nothing: without tokens a function serves its own machine only

A token is never an option (other users of a machine see command lines), and never goes over the network unencrypted.
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
    """What is sent, and for people what to do where it is refused."""

    headers: Mapping[str, str] = field(repr=False)
    remedy: str


def credentials(url: str, environ: Mapping[str, str]) -> Credentials:
    """The credentials for a function at `url`. Raises CommandError where it needs some and there are none."""
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
    """Whom the token is for: a Cloud Run service by its address, a function of cloudfunctions.net by its URL."""
    parts = urlsplit(url)
    path = parts.path if (parts.hostname or "").endswith(".cloudfunctions.net") else ""
    return f"{parts.scheme}://{parts.netloc}{path}"


def _google(audience: str, environ: Mapping[str, str]) -> Credentials:
    """An identity token: of the key file if one is named, else of gcloud's account, else of the machine's."""
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

    # Without --audiences, which gcloud refuses for people; Cloud Run takes the audience their tokens have.
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
