"""The secrets that attempts refer to: they exist, have their keys, and hold what they should. No value is shown."""

import base64
from collections.abc import Iterator, Mapping

from functions.clients.doctor.finding import Examined, Finding, ok, problem, unknown
from functions.cluster.errors import ClusterError, NotFound
from functions.cluster.kinds import SECRET

APP_KEYS = ("app-id", "private-key")
SSH_KEY = "ssh-privatekey"
PEM = "-----BEGIN "


def model_key(examined: Examined) -> Iterator[Finding]:
    """Check the Secret with the API key of Claude."""
    try:
        key = read_model_key(examined)
    except NotFound:
        name, field = _place(examined)
        how = f"kubectl --namespace {examined.namespace} create secret generic {name} --from-file={field}=FILE"
        yield problem("model key", f"Secret {name} does not exist: {how}")
        return
    except ClusterError as error:
        yield unknown("model key", error)
        return
    name, field = _place(examined)
    if not key:
        yield problem(
            "model key", f"Secret {name} has no value at {field}: add it, or correct secrets.api_key_secret_key"
        )
    elif key != key.strip() or "\n" in key:
        yield problem(
            "model key", f"Secret {name}, {field}: ends with a blank or line break, as echo adds one: use printf"
        )
    else:
        yield ok("model key", f"Secret {name} is there")


def read_model_key(examined: Examined) -> str:
    """Return Claude's API key; empty if the Secret lacks it. Raises ClusterError."""
    name, field = _place(examined)
    return secret_values(examined.cluster.get(SECRET, examined.namespace, name)).get(field, "")


def _place(examined: Examined) -> tuple[str, str]:
    return examined.settings.secrets.api_key_secret_name, examined.settings.secrets.api_key_secret_key


def secret_values(secret: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return the decoded values of a Secret, by key."""
    data = secret.get("data") or {}
    return {name: base64.b64decode(text).decode(errors="replace") for name, text in data.items()}


def identities(examined: Examined) -> Iterator[Finding]:
    """Check the Secrets that agents work as: github-ssh-LOGIN and github-app-AGENT."""
    try:
        secrets = {
            secret["metadata"]["name"]: secret_values(secret)
            for secret in examined.cluster.list(SECRET, examined.namespace)
            if secret["metadata"]["name"].startswith(("github-ssh-", "github-app-"))
        }
    except ClusterError as error:
        yield unknown("identities", error)
        return
    if not secrets:
        how = "create github-ssh-LOGIN (key ssh-privatekey) or github-app-AGENT (keys app-id, private-key)"
        yield problem("identities", f"no agent has an identity on GitHub in {examined.namespace}: {how}")
    for name, values in sorted(secrets.items()):
        wrong = _wrong(name, values)
        yield problem("identities", f"Secret {name}: {wrong}") if wrong else ok("identities", name)


def _wrong(name: str, values: Mapping[str, str]) -> str:
    needed = APP_KEYS if name.startswith("github-app-") else (SSH_KEY,)
    missing = [key for key in needed if not values.get(key, "").strip()]
    if missing:
        return f"lacks {', '.join(missing)}"
    key = values[needed[-1]]
    return "" if key.lstrip().startswith(PEM) else f"{needed[-1]} is no private key in PEM form ({PEM}...)"
