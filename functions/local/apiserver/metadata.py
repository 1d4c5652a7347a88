"""Object metadata: the fields set by clients, the fields set by the server, and validation."""

import secrets
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from functions.local.apiserver import names
from functions.local.apiserver.errors import Cause, Obj, forbidden_field, immutable, invalid, required
from functions.local.apiserver.kind_rules import InvalidFieldError

NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # k8s.io/apimachinery/pkg/util/rand: no vowels, no words
ANNOTATIONS_LIMIT = 256 * 1024  # bytes, keys and values together

CLIENT_FIELDS: dict[str, type] = {
    "name": str,
    "generateName": str,
    "namespace": str,
    "labels": dict,
    "annotations": dict,
    "finalizers": list,
    "ownerReferences": list,
}
TYPE_NAMES: dict[type, str] = {str: "a string", dict: "a map of strings", list: "a list"}
SERVER_FIELDS = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "managedFields",
)
IGNORED = ("selfLink",)  # accepted from clients, not stored
ORDER = (*CLIENT_FIELDS, *SERVER_FIELDS, "resourceVersion")


def clean(meta: Any) -> Obj:
    """Return the known fields of the metadata, without empty ones.

    Raises:
        InvalidFieldError: a value has the wrong type.
    """
    if not isinstance(meta, dict):
        raise InvalidFieldError("metadata must be an object")
    for field, expected in {**CLIENT_FIELDS, "uid": str, "resourceVersion": str}.items():
        if meta.get(field) is not None and not isinstance(meta[field], expected):
            raise InvalidFieldError(f"metadata.{field} must be {TYPE_NAMES[expected]}")
    _check_entries(meta)
    return {field: meta[field] for field in ORDER if meta.get(field) not in (None, "", {}, [])}


def unknown_fields(meta: Obj) -> list[str]:
    """Return the paths of unknown fields."""
    return [f"metadata.{field}" for field in meta if field not in (*ORDER, *IGNORED)]


def _check_entries(meta: Obj) -> None:
    for field in ("labels", "annotations"):
        for key, value in (meta.get(field) or {}).items():
            if not isinstance(value, str):
                raise InvalidFieldError(f"metadata.{field}.{key} must be a string")
    for index, finalizer in enumerate(meta.get("finalizers") or ()):
        if not isinstance(finalizer, str):
            raise InvalidFieldError(f"metadata.finalizers[{index}] must be a string")
    for index, reference in enumerate(meta.get("ownerReferences") or ()):
        if not isinstance(reference, dict):
            raise InvalidFieldError(f"metadata.ownerReferences[{index}] must be an object")


def timestamp(moment: datetime) -> str:
    """Return a time in RFC 3339, UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp_new(meta: Obj, now: datetime) -> None:
    """Set uid and creation time of a new object and remove other fields that only the server sets."""
    for field in (*SERVER_FIELDS, "resourceVersion"):
        meta.pop(field, None)
    meta["uid"] = str(uuid.uuid4())
    meta["creationTimestamp"] = timestamp(now)


def generated_name(prefix: str) -> str:
    """Return a name from `generateName`, with five random characters appended."""
    return prefix[:58] + "".join(secrets.choice(NAME_ALPHABET) for _ in range(5))


def carry_over(meta: Obj, old: Obj) -> None:
    """Give an update the current values of the fields that only the server changes."""
    for field in SERVER_FIELDS:
        if field in old:
            meta[field] = old[field]
        else:
            meta.pop(field, None)


def immutable_fields(old: Obj) -> tuple[str, ...]:
    """Return the server's fields in which another value from a client is an error; in others it is ignored."""
    deletion_timestamp = () if "deletionTimestamp" in old else ("deletionTimestamp",)
    return ("uid", *deletion_timestamp, "deletionGracePeriodSeconds")


def mark_deleted(meta: Obj, now: datetime, grace_seconds: int) -> None:
    """Mark the object for deletion after its grace period and its finalizers."""
    meta["deletionTimestamp"] = timestamp(now + timedelta(seconds=grace_seconds))
    meta["deletionGracePeriodSeconds"] = grace_seconds
    if "generation" in meta:
        meta["generation"] += 1


def problems(meta: Obj, old: Obj | None, name_problems: Callable[[str], Iterator[str]]) -> list[Cause]:
    """Return every problem of the metadata; `old` is that of the object being updated."""
    causes: list[Cause] = []
    if "name" in meta:
        causes += [invalid("metadata.name", meta["name"], text) for text in name_problems(meta["name"])]
    else:
        causes.append(required("metadata.name", "name or generateName is required"))
    causes += _label_problems(meta.get("labels", {}), "metadata.labels")
    causes += _annotation_problems(meta.get("annotations", {}))
    causes += _finalizer_problems(meta, old)
    causes += _owner_problems(meta.get("ownerReferences", []))
    if old is not None and meta.get("uid", old["uid"]) != old["uid"]:
        causes.append(immutable("metadata.uid", meta["uid"]))
    causes += _deletion_problems(meta, old) if old is not None else ()
    return causes


def _deletion_problems(meta: Obj, old: Obj) -> Iterator[Cause]:
    field, seconds = "metadata.deletionGracePeriodSeconds", "deletionGracePeriodSeconds"
    if meta.get("deletionTimestamp") != old.get("deletionTimestamp"):
        text = str(meta["deletionTimestamp"]).replace("T", " ").replace("Z", " +0000 UTC")  # Go's format
        wording = f"Invalid value: {text}: field is immutable"
        yield Cause("FieldValueInvalid", "metadata.deletionTimestamp", wording)
    if meta.get(seconds) != old.get(seconds):
        yield immutable(field, meta[seconds])


def _label_problems(labels: dict[str, str], field: str) -> Iterator[Cause]:
    for key, value in labels.items():
        yield from (invalid(field, key, text) for text in names.qualified_name_problems(key))
        yield from (invalid(field, value, text) for text in names.label_value_problems(value))


def _annotation_problems(annotations: dict[str, str]) -> Iterator[Cause]:
    field = "metadata.annotations"
    for key in annotations:
        yield from (invalid(field, key, text) for text in names.qualified_name_problems(key.lower()))
    if sum(names.byte_length(key) + names.byte_length(value) for key, value in annotations.items()) > ANNOTATIONS_LIMIT:
        yield Cause("FieldValueTooLong", field, f"Too long: must have at most {ANNOTATIONS_LIMIT} bytes")


def _finalizer_problems(meta: Obj, old: Obj | None) -> Iterator[Cause]:
    field, finalizers = "metadata.finalizers", meta.get("finalizers", [])
    for finalizer in finalizers:
        yield from (invalid(field, finalizer, text) for text in names.qualified_name_problems(finalizer))
    if old is not None and "deletionTimestamp" in old:
        added = [item for item in finalizers if item not in old.get("finalizers", [])]
        if added:
            listed = ", ".join(f'"{item}"' for item in added)
            detail = "no new finalizers can be added if the object is being deleted, found new finalizers "
            yield forbidden_field(field, f"{detail}[]string{{{listed}}}")


STANDARD_FINALIZERS = ("kubernetes", "orphan", "foregroundDeletion")


def unqualified_finalizers(meta: Obj) -> Iterator[Cause]:
    """Yield the non-standard finalizers without a domain, which built-in kinds reject."""
    for index, finalizer in enumerate(meta.get("finalizers", [])):
        if "/" not in finalizer and finalizer not in STANDARD_FINALIZERS:
            detail = "name is neither a standard finalizer name nor is it fully qualified"
            yield invalid(f"metadata.finalizers[{index}]", finalizer, detail)


def _owner_problems(owners: list[Obj]) -> Iterator[Cause]:
    field = "metadata.ownerReferences"
    parts = {"apiVersion": "version", "kind": "kind", "name": "name", "uid": "uid"}
    for owner in owners:
        for part, word in parts.items():
            if not isinstance(owner.get(part), str) or not owner[part]:
                yield invalid(f"{field}.{part}", owner.get(part) or "", f"{word} must not be empty")
    if sum(owner.get("controller") is True for owner in owners) > 1:
        yield invalid(field, owners, "Only one reference can have Controller set to true")
