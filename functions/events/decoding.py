"""JSON as it arrives from anywhere: decoded once, and told what is wrong with it."""

import base64
import binascii
import json
from typing import Any

from functions.events.event import MalformedError


def decode(body: bytes, field: str = "body") -> Any:
    """The JSON in `body`. Raises MalformedError, naming `field`."""
    try:
        return json.loads(body, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise MalformedError((field, f"is not JSON: {error}")) from None


def decode_base64(text: Any, field: str) -> bytes:
    """The bytes in `text`. Raises MalformedError, naming `field`."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise MalformedError((field, "is not base64")) from None


def media_type(content_type: Any) -> str:
    """The media type in a content-type, in lower case and without its parameters; empty for what is no text."""
    return content_type.partition(";")[0].strip().lower() if isinstance(content_type, str) else ""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise MalformedError(*((name, "is given twice") for name in twice))
    return found
