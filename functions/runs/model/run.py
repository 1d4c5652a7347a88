"""A run as read from the cluster: parsed once, then trusted.

A run whose spec does not pass the rules is still a run (it may be older than the rules): its spec is None and
spec_error says why, so that it can be failed, deleted and listed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from functions.runs import api_group
from functions.runs.model.api_model import wire
from functions.runs.model.kinds import RunKind
from functions.runs.model.run_spec import CROSS_FIELD, RunSpec
from functions.runs.model.specs import SPECS
from functions.runs.model.status import RunStatus

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


@dataclass(frozen=True, slots=True)
class Run:
    """One DocsRun or CodeRun at one resourceVersion; `raw` is the object as it came."""

    kind: RunKind
    namespace: str
    name: str
    uid: str
    resource_version: str
    generation: int
    created: datetime
    deleting: bool
    finalizers: Sequence[str]
    labels: Mapping[str, str]
    cancel: bool
    spec: RunSpec | None
    spec_error: str
    """Why the spec is not valid, for people; empty if it is."""
    status: RunStatus
    status_error: str
    """Why the status could not be parsed (written by a newer version); empty if it could. The run is left untouched."""
    raw: Mapping[str, Any]

    @property
    def key(self) -> str:
        """`namespace/name`, as logs and events name the run."""
        return f"{self.namespace}/{self.name}"

    @property
    def retry_wanted(self) -> bool:
        """Whether a person asks for another attempt: contextVersion was raised above the one that was recorded last."""
        wanted = self.spec.requested_context_version if self.spec else None
        return wanted is not None and wanted > (self.status.context_version or 1) and not self.status_error

    @property
    def is_marked_finished(self) -> bool:
        """Whether the label for finished runs is this run's own: a label copied with a manifest has another uid."""
        return self.labels.get(api_group.FINISHED) == self.uid

    @property
    def is_stale(self) -> bool:
        """Whether the spec changed after the status was written, which tools read as work in progress."""
        return self.status.observed_generation != self.generation

    @property
    def is_released(self) -> bool:
        """Whether it is deleted and our finalizer is gone, so that only a finalizer of others still holds it."""
        return self.deleting and api_group.FINALIZER not in self.finalizers

    @property
    def owner_reference(self) -> dict[str, Any]:
        """The owner reference of everything created for this run, so that it is deleted with it."""
        return {
            "apiVersion": api_group.API_VERSION,
            "kind": self.kind.value,
            "name": self.name,
            "uid": self.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }

    def to_status_update(self, status: RunStatus) -> dict[str, Any]:
        """Return the whole object to write to the status subresource, at the resourceVersion it was read at."""
        return {**self.raw, "status": wire(status)}

    def with_status(self, status: RunStatus) -> "Run":
        """Return this run as it will be once `status` is written."""
        return replace(self, status=status)


def parse(raw: Mapping[str, Any]) -> Run:
    """Return the run in an object of the API.

    Raises:
        KeyError: the object lacks a kind or metadata of every stored object; it is not from an API server.
    """
    metadata = raw["metadata"]
    kind = raw["kind"]
    spec, spec_error = _spec(kind, raw.get("spec") or {})
    status, status_error = _status(raw.get("status") or {})
    return Run(
        kind=RunKind(kind),
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        generation=metadata.get("generation", 1),
        created=datetime.fromisoformat(metadata["creationTimestamp"]),
        deleting="deletionTimestamp" in metadata,
        finalizers=metadata.get("finalizers", ()),
        labels=metadata.get("labels") or {},
        cancel=_asks_to_cancel(raw),
        spec=spec,
        spec_error=spec_error,
        status=status,
        status_error=status_error,
        raw=raw,
    )


def _asks_to_cancel(raw: Mapping[str, Any]) -> bool:
    spec = raw.get("spec")
    return isinstance(spec, Mapping) and spec.get("cancel") is True


def _spec(kind: str, raw: Any) -> tuple[RunSpec | None, str]:
    try:
        return SPECS[kind].model_validate(raw), ""
    except ValidationError as error:
        return None, describe(error)


def _status(raw: Any) -> tuple[RunStatus, str]:
    try:
        return RunStatus.model_validate(raw), ""
    except ValidationError as error:
        return RunStatus(), describe(error, "status")


UNKNOWN_FIELD = "is not a known field"
_WORDS = {"missing": "is required", "extra_forbidden": UNKNOWN_FIELD}


def in_words(message: str) -> str:
    """Return a message of pydantic as the end of a sentence about a field."""
    return message.removeprefix("Value error, ").replace("Input should be", "must be")


def describe(error: ValidationError, whole: str = "spec") -> str:
    """Return every problem of `error` in one line, each with its fields; `whole` names the object of the fields."""
    fields: dict[str, list[str]] = {}
    for field, why in problems(error):
        fields.setdefault(why, []).append(field or whole)
    return "; ".join(f"{', '.join(named)}: {why}" for why, named in fields.items())


def problems(error: ValidationError) -> list[tuple[str, str]]:
    """Return the problems of `error` as pairs of a field in camelCase with dots, and what is wrong, without values."""
    return [problem for item in error.errors(include_input=False, include_url=False) for problem in _named(item)]


def _named(item: "ErrorDetails") -> list[tuple[str, str]]:
    place = [str(part) for part in item["loc"]]
    if item["type"] == CROSS_FIELD:
        return [(".".join([*place, field]), why) for field, why in item["ctx"]["problems"].items()]
    return [(".".join(place), _WORDS.get(item["type"]) or in_words(item["msg"]))]
