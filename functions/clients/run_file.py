"""Read a run from a manifest, validate it and fill in the fields that the cluster would set."""

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
    """Return the object in a file, or on standard input for `-`.

    Raises:
        WrongUsage: the file cannot be read or is not a YAML mapping.
    """
    try:
        document = yaml.safe_load(sys.stdin.read() if name == "-" else Path(name).read_text())
    except OSError as error:
        raise WrongUsage(f"{name} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise WrongUsage(f"{name} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise WrongUsage(f"{name} is not YAML: {error}") from error
    if not isinstance(document, dict):
        raise WrongUsage(f"{name} must hold one object: a DocsRun or CodeRun")
    return document


def attempt_of(raw: Mapping[str, Any], namespace: str) -> Run:
    """Return the run of a manifest, with an open attempt.

    Raises:
        CommandError: the manifest is not valid; the text names every invalid field.
    """
    problems = _problems(raw)
    if problems:
        raise CommandError(
            "the run is not valid; nothing was rendered\n" + "\n".join(f"  {problem}" for problem in problems)
        )
    now = datetime.now(UTC)
    defaults = {"resourceVersion": "1", "creationTimestamp": now.isoformat()}
    run = parse({**raw, "metadata": {**defaults, **_identity(raw["metadata"], namespace)}})
    if run.status.open_attempt:
        return run
    fresh = run.with_status(RunStatus())
    return fresh.with_status(transitions.start(fresh, now))


def _identity(metadata: Mapping[str, Any], namespace: str) -> dict[str, str]:
    """Return name, namespace and uid; a missing uid is derived from the name, so that output is reproducible."""
    uid, name = metadata.get("uid"), metadata["name"]
    try:
        valid = str(uuid.UUID(uid))
    except (TypeError, ValueError, AttributeError):
        valid = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
    return {"name": name, "namespace": str(metadata.get("namespace") or namespace), "uid": valid}


def _problems(raw: Mapping[str, Any]) -> list[str]:
    kind, errors = raw.get("kind"), []
    if raw.get("apiVersion") != API_VERSION:
        errors.append(f"apiVersion: must be {API_VERSION}")
    if kind not in SPECS:
        return [*errors, f"kind: must be {' or '.join(SPECS)}"]
    return [*errors, *_metadata_problems(raw.get("metadata")), *_spec_problems(str(kind), raw.get("spec"))]


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
