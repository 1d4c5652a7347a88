"""Names that Kubernetes and registries must take, as the API server or the kubelet would check them too late."""

from typing import Annotated

from functions.runs.model.fields import DNS_LABEL
from functions.settings.values import matching, or_empty

_LABEL = DNS_LABEL.removeprefix("^").removesuffix("$")
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
"""RFC 1123 subdomain (apimachinery, validation.IsDNS1123Subdomain): labels joined by dots."""
_SPELLED = "lower case letters, digits, '-' and '.', each part starting and ending alphanumeric"

SecretName = Annotated[str, matching(_SUBDOMAIN, f"must be the name of a Kubernetes Secret: {_SPELLED}")]
SecretKey = Annotated[
    str, matching(r"[-._a-zA-Z0-9]+", "must be a key of a Kubernetes Secret: letters, digits, '-', '_' and '.'")
]
StorageClass = Annotated[str, or_empty(matching(_SUBDOMAIN, f"must be the name of a StorageClass: {_SPELLED}"))]
LocalQueue = Annotated[
    str, or_empty(matching(_SUBDOMAIN, f"must be the name of a LocalQueue, of 63 characters at most: {_SPELLED}", 63))
]
"""A Job names its queue in a label, whose value has 63 characters at most."""

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
