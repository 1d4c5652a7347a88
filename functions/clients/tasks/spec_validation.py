"""Checks the spec of a request against its model before anything is changed or sent."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from functions.clients.errors import WrongUsage
from functions.runs.model.run import problems
from functions.runs.model.specs import SPECS

PLATFORM = "--platform-repository-url"


def validated(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the spec as it is sent (camelCase, only what is set) from fields in snake_case.

    Raises:
        WrongUsage: names every option that is wrong.
    """
    try:
        spec = SPECS[kind].model_validate(values, strict=True, extra="forbid", by_alias=False, by_name=True)
    except ValidationError as error:
        found = [(kebab(field) if field else "options", why) for field, why in problems(error)]
        wrong = values.get("repository_url")
        repeated = wrong is not None and values.get("platform_repository_url") == wrong  # inferred from it
        named = [f"{option}: {why}" for option, why in found if not (repeated and option == PLATFORM)]
        raise WrongUsage("\n".join(named)) from None
    return spec.model_dump(mode="json", by_alias=True, exclude_unset=True)


def kebab(field: str) -> str:
    """Return the option of a field, by its name on the wire or in Python: `--task-id` for taskId and task_id."""
    words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in field.replace("_", "-"))
    return f"--{words}"
