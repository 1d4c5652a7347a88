"""Arguments of tools: pydantic models, their JSON schemas, and error texts that a model can act on.

Parameters that are fields of a spec are generated from the spec's model, which defines types, bounds, descriptions
and defaults.
"""

import re
from collections.abc import Collection, Mapping
from typing import Annotated, Any, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema, create_model
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from functions.clients.errors import WrongUsage
from functions.manifests.crds import structural
from functions.runs.model.field_rules import StringRule
from functions.runs.model.kinds import BY_WORD
from functions.runs.model.run import problems
from functions.runs.model.run_spec import RunSpec

HIDDEN = frozenset({"pattern", "allOf"})
"""Keywords omitted from schemas: descriptions state the rules in words."""


def _known_word(word: str) -> str:
    if word not in BY_WORD:
        raise ValueError(f"must be {' or '.join(map(repr, BY_WORD))}")
    return word


KindWord = Annotated[str, AfterValidator(_known_word), WithJsonSchema({"type": "string", "enum": list(BY_WORD)})]
"""The word of a kind of run."""


class Arguments(BaseModel):
    """The arguments of a call: camelCase; unknown ones are rejected."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True, frozen=True)


Given = TypeVar("Given", bound=Arguments)


def model_from_spec(
    spec: type[RunSpec],
    base: type[Arguments],
    *,
    required: Collection[str],
    without: Collection[str],
    defaults: Mapping[str, str],
) -> type[Arguments]:
    """Return `base` with the fields of `spec`; fields that are not `required` default to None.

    `defaults` describes the value that replaces a missing field, in place of the spec's default.
    """
    fields: dict[str, Any] = {}
    for name, field in spec.model_fields.items():
        if name in without or name in base.model_fields:
            continue
        text = " ".join(filter(None, (_words(field), defaults.get(name))))
        description = Field(description=text, json_schema_extra={} if name in defaults else _default(field))
        optional = name not in required
        fields[name] = (
            Annotated[_type(field) | None if optional else _type(field), description],
            None if optional else ...,
        )
    return create_model(f"{spec.__name__}Arguments", __base__=base, **fields)


def _type(field: FieldInfo) -> Any:
    """Return the field's type with its rules, without its description."""
    annotated: Any = field.annotation
    for rule in field.metadata:
        annotated = Annotated[annotated, rule]
    return annotated


def _words(field: FieldInfo) -> str:
    """Return the field's description and its rule in words."""
    rule = next((item.why for item in _rules(field) if isinstance(item, StringRule)), "")
    return f"{field.description} {rule[:1].upper()}{rule[1:]}.".strip() if rule else str(field.description)


def _rules(field: FieldInfo) -> list[Any]:
    return [*field.metadata, *(rule for option in get_args(field.annotation) for rule in get_args(option)[1:])]


def _default(field: FieldInfo) -> dict[str, Any]:
    return {"default": field.default} if not field.is_required() and field.default is not None else {}


def schema(model: type[Arguments]) -> dict[str, Any]:
    """Return the JSON schema of the arguments: references resolved, without nulls and patterns; required first."""
    node = _plain(structural(model))
    required = node.get("required", [])
    properties = {name: node["properties"][name] for name in (*required, *node["properties"])}
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _plain(node: Any) -> Any:
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    result = {key: _plain(value) for key, value in node.items() if key not in HIDDEN}
    if result.get("exclusiveMinimum") is True:  # as in OpenAPI v3.0; JSON Schema puts the number there
        result["exclusiveMinimum"] = result.pop("minimum")
    return result


def parse(model: type[Given], given: Mapping[str, Any]) -> Given:
    """Return the validated arguments of a call.

    Raises:
        WrongUsage: names every invalid parameter, and the known ones.
    """
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        lines = [f"{field or 'arguments'}: {why}" for field, why in problems(error)]
        known = ", ".join(field.alias or name for name, field in model.model_fields.items())
        raise WrongUsage("\n".join([*lines, f"parameters: {known}"])) from None


def rename_options(text: str, model: type[Arguments]) -> str:
    """Replace commands and options of the command line in a text by tools and parameters."""
    options = {f"--{name.replace('_', '-')}": field.alias or name for name, field in model.model_fields.items()}
    for command, tool in _TOOLS.items():
        text = text.replace(command, tool)
    return re.sub(r"--[a-z][a-z-]*", lambda match: options.get(match.group(), match.group()), text)


_TOOLS = {"`orchestrator runs list --all`": "list_runs", "`orchestrator runs list`": "list_runs"}
"""Tool for each command that error texts mention."""
