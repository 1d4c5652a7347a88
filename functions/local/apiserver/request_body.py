"""Request bodies: reading with a size limit, parsing, and checking the kind of the object.

The limit and the wordings are those of k8s.io/apiserver (MaxRequestBodyBytes, pkg/endpoints/handlers).
"""

import json
import math
import re
from typing import Any

from starlette.requests import Request

from functions.events.surrogates import replace_lone_surrogates
from functions.local.apiserver import protobuf
from functions.local.apiserver.errors import Obj, StatusError, bad_request, invalid, invalid_object
from functions.local.apiserver.kinds import Kind

BODY_LIMIT = 3 * 1024 * 1024  # bytes
JSON, PROTOBUF = "application/json", "application/vnd.kubernetes.protobuf"
_LONE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
UNKNOWN_FORMAT = "the body of the request was in an unknown format"


async def read_body(request: Request) -> bytes:
    """Return the whole body.

    Raises:
        StatusError: 413, as soon as the body is known to be too long.
    """
    declared = request.headers.get("content-length", "0")
    parts, size = [], int(declared) if declared.isdecimal() and int(declared) > BODY_LIMIT else 0
    if not size:
        async for part in request.stream():
            size += len(part)
            if size > BODY_LIMIT:
                break
            parts.append(part)
    if size > BODY_LIMIT:
        raise StatusError(413, f"Request entity too large: limit is {BODY_LIMIT}")
    return b"".join(parts)


def media_type(request: Request) -> str:
    """Return the media type of the body, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def parse_object(raw: bytes, media: str, kind: Kind) -> Obj:
    """Return a body as an object of `kind`; without a media type it is read as JSON, as by the real server.

    Raises:
        StatusError: 415, 400, or 422 for another kind.
    """
    media = media or JSON
    readers = {JSON: parse_json, PROTOBUF: _parse_protobuf}
    if media not in readers:
        raise StatusError(415, f"{UNKNOWN_FORMAT} - accepted media types include: {', '.join(readers)}")
    value = readers[media](raw, kind)
    if not isinstance(value, dict):
        problem = f"json: cannot unmarshal {go_type(value)} into an object"
        raise _unrecognized(kind, f"couldn't get version/kind; json parse error: {problem}")
    check_kind(value, kind)
    return value


def _parse_protobuf(raw: bytes, _: Kind) -> Obj:
    try:
        return protobuf.read_object(raw)
    except ValueError as error:
        raise StatusError(415, f"{UNKNOWN_FORMAT} ({error}): send {JSON}, or use kubectl apply -f") from None


def parse_json(raw: bytes, kind: Kind) -> Any:
    """Return the parsed JSON; a number such as 2.0 becomes 2.

    Raises:
        StatusError: 400.
    """
    try:
        return load_json(raw)
    except (ValueError, RecursionError) as error:
        raise _unrecognized(kind, f"couldn't get version/kind; json parse error: {json_problem(error)}") from None


def json_problem(error: Exception) -> str:
    """Return what is wrong with a JSON text, in the real server's words if it is truncated."""
    if isinstance(error, json.JSONDecodeError) and error.pos >= len(error.doc):
        return "unexpected end of JSON input"
    return str(error)


def load_json(text: bytes | str) -> Any:
    """Parse JSON like Go: 2.0 is an integer, an integer beyond 64 bits a float, a lone surrogate U+FFFD.

    Raises:
        ValueError: the text is not JSON.
        RecursionError: it is nested too deeply.
    """
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text), "surrogatepass")
    value = _load(text)
    return (
        _load(replace_lone_surrogates(json.dumps(value, ensure_ascii=False))) if _LONE_SURROGATE.search(text) else value
    )


def _load(text: str) -> Any:
    return json.loads(text, parse_float=_float, parse_int=_integer, parse_constant=_reject_constant)


def _float(text: str) -> int | float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"cannot unmarshal number {text[:40]} into Go value of type float64")
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _integer(text: str) -> int | float:
    return int(text) if len(text) < 19 or -(2**63) <= int(text) < 2**63 else float(text)


def _reject_constant(text: str) -> None:
    raise ValueError(f"invalid character {text[0]!r} looking for beginning of value")


def _unrecognized(kind: Kind, problem: str) -> StatusError:
    return bad_request(f"the object provided is unrecognized (must be of type {kind.kind}): {problem}")


def go_type(value: Any) -> str:
    """Return the name of a value's type in error texts of Go's JSON decoder."""
    names = {dict: "object", list: "array", str: "string", bool: "bool", int: "number", float: "number"}
    return names.get(type(value), "null")


def check_kind(obj: Obj, kind: Kind) -> None:
    """Reject an object of another kind or version; set them in built-in kinds, which may omit them.

    Raises:
        StatusError: 400 or 422.
    """
    given_kind, given_version = obj.get("kind") or "", obj.get("apiVersion") or ""
    if not kind.custom:
        given_kind, given_version = given_kind or kind.kind, given_version or kind.api_version
    if (given_kind, given_version) != (kind.kind, kind.api_version):
        raise _wrong_kind(obj, kind, given_kind, given_version)
    obj["kind"], obj["apiVersion"] = given_kind, given_version


def _wrong_kind(obj: Obj, kind: Kind, given_kind: str, given_version: str) -> StatusError:
    version = given_version.rpartition("/")[2]
    if not given_kind or not given_version:
        missing = "apiVersion" if given_kind else "Kind"
        return cannot_handle(kind, kind.kind, kind.version, f"Object '{missing}' is missing")
    if not kind.custom:
        problem = f'expected "{kind.api_version}" "{kind.kind}", got "{given_version}" "{given_kind}"'
        return cannot_handle(kind, given_kind, version, problem)
    if given_version != kind.api_version:
        return bad_request(
            f"the API version in the data ({given_version}) does not match the expected API version "
            f"({kind.api_version})"
        )
    meta = obj.get("metadata")
    name = meta.get("name", "") if isinstance(meta, dict) else ""
    return invalid_object(given_kind, kind.group, name, [invalid("kind", given_kind, f"must be {kind.kind}")])


def cannot_handle(kind: Kind, given_kind: str, version: str, problem: str) -> StatusError:
    """Return 400 with the text of the real server's decoder."""
    return bad_request(f'{given_kind} in version "{version}" cannot be handled as a {kind.kind}: {problem}')
