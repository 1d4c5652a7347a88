"""The base class of the sections of the settings, and the value types that several of them share.

A value that can never work is rejected when a function starts; otherwise every delivery would fail over it later.
The messages of these types say what a value must be and never repeat the value, which may be a secret.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from functions.runs.model.fields import DNS_LABEL


class Section(BaseModel):
    """A section of the settings: immutable, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def matching(pattern: str, why: str, longest: int = 253) -> AfterValidator:
    """Return the rule that the whole text matches `pattern` and has at most `longest` characters."""

    def check(value: str) -> str:
        if len(value) > longest or not re.fullmatch(pattern, value):
            raise ValueError(why)
        return value

    return AfterValidator(check)


def or_empty(rule: AfterValidator) -> AfterValidator:
    """Return the rule extended to accept the empty text, which means off or default."""
    check: Callable[[str], str] = rule.func  # type: ignore[assignment]
    return AfterValidator(lambda value: check(value) if value else value)


# Times ---------------------------------------------------------------------------------------------------------------

Days = Annotated[float, Field(ge=0, le=36_500)]
"""A time in days, at most 100 years: the date it ends on must be one that datetime can represent (MAXYEAR is 9999)."""

Seconds = Annotated[int, Field(ge=1, le=31_536_000)]
"""A time in seconds, at most a year; the sum of two still fits an int32."""

# Addresses -----------------------------------------------------------------------------------------------------------

URL = "must be a URL with http:// or https:// and a host, such as https://host.example:8443/path"


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # unbalanced brackets or a bad port; the error text may contain a password
        valid = False
    if not valid or not re.fullmatch(r"[!-~]+", value):
        raise ValueError(URL)
    return value


def _with_scheme(value: Any) -> Any:
    """Return `host:port`, as collectors document their addresses, as a URL; anything else unchanged."""
    host_and_port = isinstance(value, str) and re.fullmatch(
        r"([A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9a-fA-F:]+\]):[0-9]{1,5}", value
    )
    return f"http://{value}" if host_and_port else value


_IS_URL = AfterValidator(_url)
Url = Annotated[str, _IS_URL]
UrlOrNone = Annotated[str, or_empty(_IS_URL)]
"""A URL, or empty."""
Endpoint = Annotated[UrlOrNone, BeforeValidator(_with_scheme)]
"""The address of an OTLP collector as URL or `host:port`, or empty."""

ProjectId = Annotated[
    str,
    or_empty(matching(r"[a-z][a-z0-9.:-]{4,61}[a-z0-9]", "must be the id of a Google Cloud project, as my-project-42")),
]
"""A project id, which may have a domain as prefix (example.com:project), or empty."""

# Names of Kubernetes objects and images -------------------------------------------------------------------------------

_LABEL = DNS_LABEL.removeprefix("^").removesuffix("$")
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
"""RFC 1123 subdomain (apimachinery, validation.IsDNS1123Subdomain): labels joined by dots."""
_SPELLED = "lower case letters, digits, '-' and '.', each part starting and ending alphanumeric"

SecretName = Annotated[str, matching(_SUBDOMAIN, f"must be the name of a Kubernetes Secret: {_SPELLED}")]
SecretKey = Annotated[
    str, matching(r"[-._a-zA-Z0-9]+", "must be a key of a Kubernetes Secret: letters, digits, '-', '_' and '.'")
]
StorageClass = Annotated[str, or_empty(matching(_SUBDOMAIN, f"must be the name of a StorageClass: {_SPELLED}"))]
ObjectName = Annotated[str, or_empty(matching(_SUBDOMAIN, f"must be the name of a Kubernetes object: {_SPELLED}"))]
"""The name of a PriorityClass, RuntimeClass or ServiceAccount, or empty."""
LocalQueue = Annotated[
    str, or_empty(matching(_SUBDOMAIN, f"must be the name of a LocalQueue, of 63 characters at most: {_SPELLED}", 63))
]
"""A Job names its queue in a label, whose value has at most 63 characters."""

# distribution/reference: [host[:port]/]path, and a tag of up to 128 characters.
_PART = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
_DOMAIN = r"[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?"
_HOST = rf"({_DOMAIN}(\.{_DOMAIN})*|\[[0-9a-fA-F:]+\])(:[0-9]+)?"
ImageRepository = Annotated[
    str,
    matching(
        rf"({_HOST}/)?{_PART}(/{_PART})*",
        "must be the repository of an image in lower case, such as registry.example/agents/agent; "
        "tag and digest belong in agent.tag",
        255,
    ),
]
ImageTag = Annotated[
    str,
    matching(
        r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?",
        "must be the tag of an image: letters, digits, '_', '.' and '-', and after it @sha256:DIGEST if wanted",
        200,
    ),
]
