"""The target of a request (object or collection) from its path, and the options from its query."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Self, cast

from starlette.datastructures import QueryParams

from functions.local.apiserver.errors import (
    Cause,
    bad_request,
    forbidden_field,
    invalid,
    invalid_options,
    no_such_resource,
    required,
    unsupported,
)
from functions.local.apiserver.kinds import Kind
from functions.local.apiserver.registry import Registry
from functions.local.apiserver.store import Key

FieldValidation = Literal["Strict", "Warn", "Ignore"]
MANAGER_LENGTH = 128  # bytes (k8s.io/apimachinery/pkg/apis/meta/v1/validation)


@dataclass(frozen=True, slots=True)
class Target:
    """An object, a subresource, or a collection if `name` is None.

    `namespace` is '' for cluster-scoped kinds and for a collection over all namespaces.
    """

    kind: Kind
    namespace: str
    name: str | None
    subresource: str | None

    @property
    def key(self) -> Key:
        """The object's key in the store."""
        return Key(self.kind.resource, self.namespace, self.name or "")


def parse_path(path: str, registry: Registry) -> Target:
    """Return the target of a path below /api or /apis.

    Raises:
        StatusError: 404 for a path that is not served.
    """
    group, version, *rest = _group_and_rest(path.strip("/").split("/"))
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces" and rest[2] != "status":
        namespace, rest = rest[1], rest[2:]
    kind = registry.by_path(group, version, rest[0]) if rest else None
    if kind is None or len(rest) > 3 or (namespace and not kind.namespaced):
        raise no_such_resource()
    name, subresource = (*rest[1:], None, None)[:2]
    if name is not None and kind.namespaced and not namespace:
        raise no_such_resource()
    if subresource not in (None, *subresources(kind)):
        raise no_such_resource()
    return Target(kind, namespace, name, subresource)


def _group_and_rest(parts: list[str]) -> list[str]:
    if parts[0] == "api" and len(parts) > 2:
        return ["", *parts[1:]]
    if parts[0] == "apis" and len(parts) > 3:
        return parts[1:]
    raise no_such_resource()


def subresources(kind: Kind) -> tuple[str, ...]:
    """Return the subresources of a kind."""
    log = ("log",) if kind.resource == "pods" else ()
    return ("status", *log) if kind.has_status else log


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """The options of a write."""

    dry_run: bool = False
    field_validation: FieldValidation = "Warn"
    manager: str = ""
    """The field manager of the write, for managedFields."""
    apply: bool = False
    """Whether the write is a server-side apply."""
    force: bool = False
    """Whether an apply takes over fields that others own."""

    @classmethod
    def parse(cls, query: QueryParams, options_kind: str, *, agent: str = "", apply: bool = False) -> Self:
        """Return the options from the parameters `dryRun`, `fieldValidation`, `fieldManager` and `force`.

        `agent` is the User-Agent, whose first part is the manager without a `fieldManager`.

        Raises:
            StatusError: 422 for an unsupported value.
        """
        dry_run = query.getlist("dryRun")
        if any(value != "All" for value in dry_run):
            raise invalid_options(options_kind, unsupported("dryRun", dry_run, ["All"]))
        validation = query.get("fieldValidation") or "Warn"
        if validation not in ("Strict", "Warn", "Ignore"):
            cause = unsupported("fieldValidation", validation, ["Ignore", "Strict", "Warn"])
            raise invalid_options(options_kind, cause)
        manager = query.get("fieldManager", "")
        for cause in _apply_problems(manager, "force" in query, apply=apply):
            raise invalid_options(options_kind, cause)
        return cls(
            bool(dry_run),
            cast(FieldValidation, validation),
            manager or agent.partition("/")[0] or "unknown",
            apply,
            flag(query, "force"),
        )


def _apply_problems(manager: str, force_given: bool, *, apply: bool) -> Iterator[Cause]:
    """Yield what is wrong with the parameters of server-side apply."""
    if apply and not manager:
        yield required("fieldManager", "is required for apply patch")
    if force_given and not apply:
        yield forbidden_field("force", "may not be specified for non-apply patch")
    if len(manager.encode()) > MANAGER_LENGTH:
        yield Cause("FieldValueTooLong", "fieldManager", f"Too long: must have at most {MANAGER_LENGTH} bytes")
    for position, character in enumerate(manager):
        if not character.isprintable():
            detail = f"invalid character U+{ord(character):04X} (at position {position})"
            yield invalid("fieldManager", manager, detail)


def flag(query: QueryParams, name: str) -> bool:
    """Return a boolean parameter, in the spellings that Go accepts."""
    return query.get(name, "").lower() in ("1", "t", "true")


def number(query: QueryParams, name: str) -> int | None:
    """Return an integer parameter; None if it is absent.

    Raises:
        StatusError: 400 if it is not an integer.
    """
    text = query.get(name)
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None
