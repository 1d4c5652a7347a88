"""Which form of an answer the client takes: the object, its metadata alone, or a table of it for people."""

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
"""By the parameter `as` (API concepts: Alternate representations of resources)."""
OFFERED = "application/json"


def accepted_form(request: Request) -> Form:
    """The first form in the Accept header that is served here; no header takes anything.

    Raises StatusError 406.
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
    wanted = alternative.parameters.get("as")
    if wanted is None:
        return "object"
    group, version = alternative.parameters.get("g"), alternative.parameters.get("v")
    return FORMS.get(wanted) if (group, version) == ("meta.k8s.io", "v1") else None
