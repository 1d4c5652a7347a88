"""Content negotiation: the client accepts the object, only its metadata, or a table."""

from dataclasses import dataclass
from typing import Literal

from starlette.requests import Request

from functions.local.apiserver.errors import StatusError

Form = Literal["object", "table", "metadata"]
FORMS: dict[str, Form] = {
    "Table": "table",
    "PartialObjectMetadata": "metadata",
    "PartialObjectMetadataList": "metadata",
}
"""Forms by the parameter `as` (Kubernetes API concepts: Alternate representations of resources)."""
OFFERED = "application/json"


def accepted_form(request: Request) -> Form:
    """Return the first supported form in the Accept header; without the header, the object.

    Raises:
        StatusError: 406.
    """
    header = request.headers.get("accept", "")
    if not header.strip():
        return "object"
    for alternative in header.split(","):
        form = _form(_parse(alternative))
        if form is not None:
            return form
    raise StatusError(406, f"only the following media types are accepted: {OFFERED}")


@dataclass(frozen=True, slots=True)
class _Alternative:
    media: str
    parameters: dict[str, str]


def _parse(alternative: str) -> _Alternative:
    media, *parameters = (part.strip() for part in alternative.split(";"))
    return _Alternative(media.lower(), dict(part.split("=", 1) for part in parameters if "=" in part))


def _form(alternative: _Alternative) -> Form | None:
    if alternative.media not in (OFFERED, "application/*", "*/*"):
        return None
    requested = alternative.parameters.get("as")
    if requested is None:
        return "object"
    group, version = alternative.parameters.get("g"), alternative.parameters.get("v")
    return FORMS.get(requested) if (group, version) == ("meta.k8s.io", "v1") else None
