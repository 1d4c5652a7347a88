"""A run in a file, as people write it for `kubectl apply`: read, checked, and completed as the cluster would."""

import re
import sys
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from functions.clients.errors import CommandError, WrongUsage
from functions.runs.api_group import API_VERSION
from functions.runs.lifecycle import transitions
from functions.runs.model.fields import DNS_LABEL, RUN_NAME_LENGTH
from functions.runs.model.run import Run, parse, problems
from functions.runs.model.specs import SPECS
from functions.runs.model.status import RunStatus


def read(name: str) -> dict[str, Any]:
    """The object in a file, or on standard input for `-`. Raises WrongUsage."""
    try:
        found = yaml.safe_load(sys.stdin.read() if name == "-" else Path(name).read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUsage(f"{name} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise WrongUsage(f"{name} is not YAML: {error}") from error
    if not isinstance(found, dict):
        raise WrongUsage(f"{name} must hold one object: a DocsRun or CodeRun")
    return found


def attempt_of(raw: Mapping[str, Any], namespace: str) -> Run:
    """The run in an object as people write it, with an attempt under way.

    Raises CommandError, naming every field that is wrong.
    """
    problems = _problems(raw)
    if problems:
        raise CommandError("the run is not valid; nothing was rendered\n" + "\n".join(f"  {each}" for each in problems))
    now = datetime.now(UTC)
    made = {"resourceVersion": "1", "creationTimestamp": now.isoformat()}
    found = parse({**raw, "metadata": {**made, **_identity(raw["metadata"], namespace)}})
    if found.status.open_attempt:
        return found
    fresh = found.with_status(RunStatus())
    return fresh.with_status(transitions.start(fresh, now))


def _identity(metadata: Mapping[str, Any], namespace: str) -> dict[str, str]:
    """Name, namespace and uid; without a uid one that is the same each time, so that what is rendered compares."""
    uid, name = metadata.get("uid"), metadata["name"]
    try:
        known = str(uuid.UUID(uid))
    except (TypeError, ValueError, AttributeError):
        known = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
    return {"name": name, "namespace": str(metadata.get("namespace") or namespace), "uid": known}


def _problems(raw: Mapping[str, Any]) -> list[str]:
    kind, found = raw.get("kind"), []
    if raw.get("apiVersion") != API_VERSION:
        found.append(f"apiVersion: must be {API_VERSION}")
    if kind not in SPECS:
        return [*found, f"kind: must be {' or '.join(SPECS)}"]
    return [*found, *_metadata_problems(raw.get("metadata")), *_spec_problems(str(kind), raw.get("spec"))]


def _metadata_problems(metadata: Any) -> list[str]:
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if isinstance(name, str) and re.fullmatch(DNS_LABEL, name) and len(name) <= RUN_NAME_LENGTH:
        return []
    return [f"metadata.name: must be lower case letters, digits and '-', at most {RUN_NAME_LENGTH} characters"]


def _spec_problems(kind: str, spec: Any) -> list[str]:
    try:
        SPECS[kind].model_validate(spec, strict=True, extra="forbid", by_name=False, by_alias=True)
    except ValidationError as error:
        return [f"spec{'.' if field else ''}{field}: {why}" for field, why in problems(error)]
    return []
