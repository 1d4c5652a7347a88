"""JSON as it arrives from anywhere: decoded once, and told what is wrong with it.

JSON can write half of a character (an escape of one surrogate), and Python keeps it; UTF-8 cannot, so that every
name, digest and request made of it would fail much later, and fail again each time it is delivered.
"""

import base64
import binascii
import json
import re
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any

from functions.events.event import MalformedError

HALF = "has half of a character (a lone UTF-16 surrogate), which cannot be written as UTF-8"

MOST_HALVES = 20
"""Fields with such text that are named; a body could have hundreds of thousands."""

_ESCAPED = re.compile(r"\\u[dD][89a-fA-F]")


def decode(body: bytes, field: str = "body") -> Any:
    """The JSON in `body`, all of whose text UTF-8 can write. Raises MalformedError, naming `field` or those in it."""
    return encodable(decode_loosely(body, field), body, field)


def decode_loosely(body: bytes, field: str = "body") -> Any:
    """The JSON in `body`, whose text may have halves of characters. Raises MalformedError, naming `field`."""
    try:
        return json.loads(_text(body), object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise MalformedError((field, f"is not JSON: {error}")) from None


def encodable(found: Any, body: bytes, field: str = "body") -> Any:
    """`found`, the JSON in `body`. Raises MalformedError, naming the fields with text that UTF-8 cannot write."""
    if _ESCAPED.search(_text(body)):
        halves = dict.fromkeys(islice(_halves(found), MOST_HALVES))
        if halves:
            raise MalformedError(*((at or field, HALF) for at in halves))
    return found


def whole(text: str) -> str:
    """`text` with U+FFFD in the place of each half of a character, as Go's encoding/json has it."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def decode_base64(text: Any, field: str) -> bytes:
    """The bytes in `text`. Raises MalformedError, naming `field`."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise MalformedError((field, "is not base64")) from None


def media_type(content_type: Any) -> str:
    """The media type in a content-type, in lower case and without its parameters; empty for what is no text."""
    return content_type.partition(";")[0].strip().lower() if isinstance(content_type, str) else ""


def _text(body: bytes) -> str:
    """As json.loads decodes it, but strictly: that lets bytes of a lone surrogate pass. Raises ValueError."""
    return body.decode(json.detect_encoding(body))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise MalformedError(*((whole(name), "is given twice") for name in twice))
    return found


def _halves(found: Any) -> Iterator[str]:
    """Where in `found` such text is, with dots; a name that is such text is told with a mark in the half's place.

    Without recursion: a document may be as deep as Python's stack takes.
    """
    waiting = deque([("", found)])
    while waiting:
        at, value = waiting.popleft()
        if isinstance(value, str) and value != whole(value):
            yield at
        pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for name, inner in pairs:
            shown = whole(str(name))
            place = f"{at}.{shown}" if at else shown
            if shown != str(name):
                yield place
            waiting.append((place, inner))
