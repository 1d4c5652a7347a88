"""The registries of the images of an attempt's pod: whether they have them, asked as a node would.

A registry that wants to know who asks answers 401 and names how: with the credentials themselves (Basic), or with a
token of the address it names (Distribution: Token Authentication), which public images need too.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

from functions.clients.doctor.finding import Examined, Finding, ok, problem, unknown
from functions.clients.doctor.secrets import secret_values
from functions.clients.http import root_cause
from functions.clients.output import cell
from functions.cluster.errors import ClusterError, NotFound
from functions.cluster.kinds import SECRET
from functions.settings.agent import AgentSettings
from functions.settings.broker import BrokerSettings

MANIFESTS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
"""Media types of a tag's manifest (OCI distribution specification)."""
HOSTS: Mapping[str, str] = {"docker.io": "registry-1.docker.io"}
"""Registries whose API is at another host than their images name."""
LOCAL = re.compile(r"(127\.|localhost)")


def images(examined: Examined) -> Iterator[Finding]:
    """Ask the registries for the images of an attempt's pod, with the credentials of agent.pull_secrets."""
    yield _image(examined, "agent", examined.settings.agent)
    yield _image(examined, "broker", examined.settings.broker)


def _image(examined: Examined, section: str, settings: AgentSettings | BrokerSettings) -> Finding:
    name, tag = settings.image, settings.tag
    host, _, repository = name.partition("/")
    if settings.pull_policy == "Never" or not re.search(r"[.:]", host):
        return unknown("image", f"{name}:{tag} names no registry that can be asked")
    reference = tag.partition("@")[2] or tag
    url = f"{'http' if LOCAL.match(host) else 'https'}://{HOSTS.get(host, host)}/v2/{repository}/manifests/{reference}"
    try:
        credentials = _credentials(examined, host)
        status = _status(examined, url, credentials)
    except NotFound as error:
        return problem("image", f"setting agent.pull_secrets: {error}; create the Secret, or remove its name")
    except OSError as error:
        return problem("image", f"registry {host} does not answer: {cell(root_cause(error))}; correct {section}.image")
    match status:
        case 200:
            return ok("image", f"{name}:{tag}")
        case 404:
            return problem("image", f"{name} has no {reference}: push it, or correct {section}.image and {section}.tag")
        case 401 | 403 if credentials:
            return problem("image", f"registry {host} refuses {name} ({status}) with the Secret of agent.pull_secrets")
    how = "nodes may have credentials for it; else name a Secret with some in agent.pull_secrets"
    return unknown("image", f"registry {host} answers {status} for {name}: {how}")


def _status(examined: Examined, url: str, credentials: str) -> int:
    """Return the answer for a manifest; raise OSError."""
    status, headers, _ = examined.fetch("HEAD", url, {"Accept": MANIFESTS})
    if status == 401 and (authorization := _authorization(examined, headers.get("www-authenticate", ""), credentials)):
        status, _, _ = examined.fetch("HEAD", url, {"Accept": MANIFESTS, "Authorization": authorization})
    return status


def _authorization(examined: Examined, challenge: str, credentials: str) -> str:
    """Return the header that a challenge asks for; empty if there is none."""
    basic = f"Basic {credentials}" if credentials else ""
    scheme, _, text = challenge.partition(" ")
    if scheme.lower() != "bearer":
        return basic
    parameters = dict(re.findall(r'(\w+)="([^"]*)"', text))
    realm = parameters.pop("realm", "")
    if not (realm.startswith("https://") or LOCAL.match(realm.removeprefix("http://"))):
        return ""  # credentials and tokens do not go over the network in plain text
    query = urlencode({name: parameters[name] for name in ("service", "scope") if name in parameters})
    status, _, body = examined.fetch("GET", f"{realm}?{query}", {"Authorization": basic} if basic else {})
    try:
        document = json.loads(body) if status == 200 else {}
    except ValueError:
        return ""
    token = document.get("token") or document.get("access_token")
    return f"Bearer {token}" if token else ""


def _credentials(examined: Examined, host: str) -> str:
    """Return user and password for a registry in base64, from agent.pull_secrets; empty if none may be read.

    Raises NotFound if one of these Secrets does not exist.
    """
    for name in examined.settings.agent.pull_secrets:
        try:
            text = secret_values(examined.cluster.get(SECRET, examined.namespace, name)).get(".dockerconfigjson", "")
            entry = json.loads(text)["auths"].get(host) or {}
        except NotFound:
            raise
        except (ClusterError, ValueError, KeyError, TypeError, AttributeError, binascii.Error):
            continue
        if entry.get("auth"):
            return str(entry["auth"])
        if entry.get("username"):
            return base64.b64encode(f"{entry['username']}:{entry.get('password', '')}".encode()).decode()
    return ""
