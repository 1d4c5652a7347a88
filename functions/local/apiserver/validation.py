"""Validates objects against schemas, with the error texts of the real server.

jsonschema does the validation. The wordings are those of go-openapi (errors/schema.go), as an API server prints them,
with one difference: the path of an array item contains its index (`spec.env[0].name`), as in newer servers.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import cache
from hashlib import blake2b
from typing import Any, Protocol, cast

from jsonschema import Draft4Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

from functions.local.apiserver.errors import Cause, Obj, duplicate, invalid, required, unsupported

FORMATS = FormatChecker(formats=())
WORDINGS = {
    "pattern": "should match '{limit}'",
    "minLength": "should be at least {limit} chars long",
    "maxLength": "should be at most {limit} chars long",
    "minItems": "should have at least {limit} items",
    "maxItems": "should have at most {limit} items",
    "maxProperties": "should have at most {limit} properties",
    "minimum": "should be greater than or equal to {limit}",
    "minimum exclusive": "should be greater than {limit}",
    "maximum": "should be less than or equal to {limit}",
}
END_ANCHOR_OR_OTHER = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\$", re.DOTALL)
"""Matches `$`, and the escapes and character classes in which it is no anchor."""
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


@FORMATS.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    if not isinstance(value, str):
        return True
    return bool(DATE_TIME.fullmatch(value)) and bool(datetime.fromisoformat(value.upper()))


VALID_VALUES_LIMIT = 10_000
"""How many valid values are remembered, each as a digest."""
_valid_values: dict[tuple[int, bytes], Obj] = {}
"""Schemas by schema id and digest of a valid value; the reference to the schema keeps its id from being reused."""


class Validator(Protocol):
    """The part of a jsonschema validator used here."""

    def iter_errors(self, instance: Any) -> Iterator[ValidationError]:
        """Yield every problem."""

    def descend(
        self, instance: Any, schema: Any, path: str | None = None, schema_path: str | None = None
    ) -> Iterator[ValidationError]:
        """Yield every problem under another schema."""

    def is_type(self, instance: Any, type: str) -> bool:  # noqa: A002
        """Return whether a value has a JSON type."""


def _check_type(validator: Validator, expected: str, value: Any, schema: Obj) -> Iterable[ValidationError]:
    if not validator.is_type(value, expected) and not (value is None and schema.get("nullable")):
        yield ValidationError(expected)


def _check_int_or_string(
    validator: Validator,
    enabled: bool,
    value: Any,
    schema: Obj,
) -> Iterable[ValidationError]:
    null_allowed = value is None and schema.get("nullable")
    if enabled and not null_allowed and not validator.is_type(value, "integer") and not isinstance(value, str):
        yield ValidationError("integer,string")


def _check_properties(validator: Validator, properties: Obj, value: Any, _: Obj) -> Iterator[ValidationError]:
    """Check each property once: most values of a written object are unchanged and already known to be valid."""
    if not validator.is_type(value, "object"):
        return
    for name, schema in properties.items():
        if name in value:
            yield from _check_once(validator, value[name], schema, name)


def _check_once(validator: Validator, value: Any, schema: Obj, name: str) -> Iterator[ValidationError]:
    if not isinstance(value, dict | list) or "additionalProperties" in schema:  # faster to validate than to hash
        yield from validator.descend(value, schema, path=name, schema_path=name)
        return
    key = (id(schema), blake2b(json.dumps(value).encode(), digest_size=16).digest())
    if key in _valid_values:
        return
    errors = list(validator.descend(value, schema, path=name, schema_path=name))
    yield from errors
    if not errors:
        if len(_valid_values) >= VALID_VALUES_LIMIT:
            _valid_values.clear()
        _valid_values[key] = schema


def _check_all_of(validator: Validator, schemas: list[Obj], value: Any, _: Obj) -> Iterable[ValidationError]:
    failures = [list(validator.descend(value, schema)) for schema in schemas]
    for errors in failures:
        yield from errors
    if any(failures):
        yield ValidationError(". None validated" if all(failures) else "")


def _check_pattern(_: Validator, pattern: str, value: Any, schema: Obj) -> Iterable[ValidationError]:
    """Check the pattern unless the length is already wrong; the real server reports only the length then."""
    if not isinstance(value, str):
        return
    has_valid_length = schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
    if has_valid_length and not _compiled(pattern).search(value):
        yield ValidationError(pattern)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Return a pattern with Go's semantics: `$` matches only at the end of the text, classes are ASCII."""
    return re.compile(END_ANCHOR_OR_OTHER.sub(lambda match: r"\Z" if match[0] == "$" else match[0], pattern), re.ASCII)


StructuralValidator = extend(  # type: ignore[no-untyped-call]
    Draft4Validator,
    {
        "allOf": _check_all_of,
        "pattern": _check_pattern,
        "properties": _check_properties,
        "type": _check_type,
        "x-kubernetes-int-or-string": _check_int_or_string,
    },
)


def compile_schema(schema: Obj) -> Validator:
    """Return the validator of a schema, to be reused for every write."""
    return cast(Validator, StructuralValidator(schema, format_checker=FORMATS))


def violations(validator: Validator, obj: Obj) -> list[Cause]:
    """Return every violation of the schema in `obj`."""
    return [cause for error in validator.iter_errors(obj) for cause in _causes(error, ())]


def misfit(validator: Validator, obj: Obj) -> str | None:
    """Return the problem of the first value of a wrong type, or None; for schemas that only define types."""
    error = next(validator.iter_errors(obj), None)
    return None if error is None else f"{field_path(error.absolute_path)} must be of type {error.message}"


def _causes(error: ValidationError, base: tuple[str | int, ...]) -> Iterator[Cause]:
    path = base + tuple(error.relative_path)
    if error.validator in ("oneOf", "anyOf", "allOf", "not"):
        yield from _combined(error, path)
        return
    field = field_path(path)
    if error.validator == "required":
        missing = _missing_property(error)
        yield required(f"{field}.{missing}" if field else missing)
    elif error.validator == "enum":
        yield unsupported(field, error.instance, [_text(item) for item in cast(list[Any], error.validator_value)])
    else:
        yield _worded(error, field)


def _missing_property(error: ValidationError) -> str:
    match = re.match(r"'(.*)' is a required property", error.message)
    return match.group(1) if match else error.message


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _combined(error: ValidationError, path: tuple[str | int, ...]) -> Iterator[Cause]:
    """Yield the cause for a combination; if no alternative matched, also the problems of the nearest one."""
    nearest = _nearest(error.context or [])
    matched = error.validator == "oneOf" and not error.context
    wording = {
        "anyOf": "must validate at least one schema (anyOf)",
        "oneOf": "must validate one and only one schema (oneOf). "
        + ("Found 2 valid alternatives" if matched else "Found none valid"),
        "allOf": f"must validate all the schemas (allOf){error.message}",
        "not": "must not validate the schema (not)",
    }[str(error.validator)]
    yield Cause("FieldValueInvalid", "<nil>", f'Invalid value: "": "{field_path(path)}" {wording}')
    for inner in nearest:
        yield from _causes(inner, path)


def _nearest(errors: Iterable[ValidationError]) -> list[ValidationError]:
    alternatives: dict[Any, list[ValidationError]] = {}
    for error in errors:
        alternatives.setdefault(error.relative_schema_path[0], []).append(error)
    depth: Callable[[list[ValidationError]], int] = lambda group: max(len(e.relative_path) for e in group)  # noqa: E731
    return max(alternatives.values(), key=depth, default=[])


def _worded(error: ValidationError, field: str) -> Cause:
    keyword, value, limit = str(error.validator), cast(Any, error.instance), error.validator_value
    if keyword in ("type", "x-kubernetes-int-or-string"):
        given = _json_type(value)
        return invalid(field, given, f'{field} in body must be of type {error.message}: "{given}"')
    if keyword == "format":
        return invalid(field, value, f"{field} in body must be of type {limit}: {json.dumps(value)}")
    if cast(Obj, error.schema).get(f"exclusive{keyword.capitalize()}"):
        keyword += " exclusive"
    wording = WORDINGS[keyword].format(limit=limit)
    shown = limit if keyword.endswith("Properties") else len(value) if keyword.endswith("Items") else value
    return invalid(field, shown, f"{field} in body {wording}")


def _json_type(value: Any) -> str:
    types = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return types.get(type(value), "null")


def field_path(path: Iterable[str | int]) -> str:
    """Return a path such as `spec.env[0].name`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def list_duplicates(schema: Obj, value: Any, path: tuple[str | int, ...] = ()) -> Iterator[Cause]:
    """Yield the entries that occur twice in a list of type `set` or `map`."""
    if isinstance(value, dict):
        for name, sub in schema.get("properties", {}).items():
            if name in value:
                yield from list_duplicates(sub, value[name], (*path, name))
    elif isinstance(value, list):
        yield from _repeated(schema, value, path)
        for index, item in enumerate(value):
            yield from list_duplicates(schema.get("items", {}), item, (*path, index))


def _repeated(schema: Obj, items: list[Any], path: tuple[str | int, ...]) -> Iterator[Cause]:
    kind = schema.get("x-kubernetes-list-type")
    if kind not in ("set", "map"):
        return
    keys = schema.get("x-kubernetes-list-map-keys", [])
    seen: list[Any] = []
    for index, item in enumerate(items):
        identity = item if kind == "set" else {key: item.get(key) for key in keys}
        if identity in seen:
            yield duplicate(field_path((*path, index)), identity)
        seen.append(identity)
