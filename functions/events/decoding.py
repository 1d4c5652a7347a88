"""Strict decoding of JSON and base64 from outside.

JSON can escape half of a UTF-16 surrogate pair, and Python keeps it; UTF-8 cannot write it. Such text is rejected
here, because every name, digest and request made from it would fail later and again at each delivery.
"""

import base64
import binascii
import json
import re
from collections import Counter, deque
from collections.abc import Iterator
from itertools import islice
from typing import Any

from functions.events.event import MalformedError
from functions.events.surrogates import replace_lone_surrogates

LONE_SURROGATE = "has half of a character (a lone UTF-16 surrogate), which cannot be written as UTF-8"

MAX_NAMED = 20
"""Most fields with such text that an error names; a body can have hundreds of thousands."""

_ESCAPED = re.compile(r"\\u[dD][89a-fA-F]")


def decode(body: bytes, field: str = "body") -> Any:
    """Return the JSON in `body`.

    Raises:
        MalformedError: the body is not JSON (named `field`), repeats a name, or has text that UTF-8 cannot write.
    """
    document, problem = try_decode(body, field)
    if problem:
        raise problem
    return document


def decode_loosely(body: bytes, field: str = "body") -> Any:
    """Return the JSON in `body`, also with text that UTF-8 cannot write; raise MalformedError if it is not JSON."""
    try:
        return json.loads(_text(body), object_pairs_hook=unique_object)
    except (ValueError, RecursionError) as error:
        raise MalformedError((field, f"is not JSON: {error}")) from None


def try_decode(body: bytes, field: str = "body") -> tuple[Any, MalformedError | None]:
    """Return the JSON in `body` and what is wrong with it.

    The value is None if the body is not JSON. It is given with text that UTF-8 cannot write, to recognise an envelope
    that is then rejected.
    """
    try:
        document = decode_loosely(body, field)
    except MalformedError as error:
        return None, error
    if not _ESCAPED.search(_text(body)):
        return document, None
    named = dict.fromkeys(islice(_lone_surrogates(document), MAX_NAMED))
    return document, MalformedError(*((path or field, LONE_SURROGATE) for path in named)) if named else None


def decode_base64(text: Any, field: str) -> bytes:
    """Return the bytes in `text`; raise MalformedError naming `field` if it has any other character."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise MalformedError((field, "is not base64")) from None


def media_type(content_type: Any) -> str:
    """Return the media type of a content-type in lower case, without parameters; empty if it is not a string."""
    return content_type.partition(";")[0].strip().lower() if isinstance(content_type, str) else ""


def unique_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the JSON object with these members; raise MalformedError naming those given twice."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        repeated = sorted(name for name, count in counts.items() if count > 1)
        raise MalformedError(*((replace_lone_surrogates(name), "is given twice") for name in repeated[:MAX_NAMED]))
    return fields


def _text(body: bytes) -> str:
    """Return the body as text in the encoding json.loads detects; raise ValueError for bytes it cannot decode.

    json.loads itself lets the encoded bytes of a lone surrogate pass.
    """
    return body.decode(json.detect_encoding(body))


def _lone_surrogates(document: Any) -> Iterator[str]:
    """Yield the dotted path of each text or name with a lone surrogate, shown as U+FFFD.

    Not recursive: a document may be as deep as Python's stack allows.
    """
    waiting = deque([("", document)])
    while waiting:
        path, value = waiting.popleft()
        if isinstance(value, str) and value != replace_lone_surrogates(value):
            yield path
        pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for name, inner in pairs:
            shown = replace_lone_surrogates(str(name))
            inner_path = f"{path}.{shown}" if path else shown
            if shown != str(name):
                yield inner_path
            waiting.append((inner_path, inner))
