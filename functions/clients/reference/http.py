"""The HTTP interface as an OpenAPI document, from the models, and as a page."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from functions import __version__
from functions.clients.reference.markdown import GENERATED, code, table
from functions.manifests.crds import structural
from functions.runs.model.kinds import RunKind
from functions.runs.model.specs import SPECS
from functions.submission.submit import IDEMPOTENCY_KEY

ANSWERS: Mapping[str, str] = {
    "200": "The run of an earlier request with the same Idempotency-Key and body.",
    "201": "The run was created.",
    "400": "The body is not a valid spec; every problem is named by field, and nothing was created.",
    "401": "No token, or not a known one (setting auth).",
    "403": "The caller may not use that user, agent or namespace (setting access); what they may is said.",
    "405": "Only POST, and GET /health.",
    "409": "Without a key, or with If-Unfinished: refuse, an unfinished run has the same task; it is named.",
    "413": "The body is longer than is accepted.",
    "415": "The body is not application/json.",
    "422": "The key was used for another body, or the cluster rejects the run.",
    "429": "Too many requests; the same request may be sent again.",
    "503": "The cluster could not be reached; the same request may be sent again.",
}
"""Answers of the submit functions by status code."""

HEADERS: Mapping[str, str] = {
    "Idempotency-Key": "At most 255 printable ASCII characters: a repeated request finds the run of the first one.",
    "If-Unfinished": "`refuse`: also with a key, refuse a second run of a task that an unfinished run has.",
    "traceparent": "The trace that the run belongs to (W3C Trace Context).",
}

_TEXT = {"type": "string"}
HEADER_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "Idempotency-Key": {"type": "string", "pattern": IDEMPOTENCY_KEY},
    "If-Unfinished": {"type": "string", "enum": ["refuse"]},
    "traceparent": _TEXT,
}
"""The values of each header."""

RUN = dict.fromkeys(("name", "namespace", "kind", "uid", "phase"), _TEXT)
PROBLEM = {"type": "object", "properties": {"field": _TEXT, "message": _TEXT}, "required": ["field", "message"]}
SUCCESS = {
    "type": "object",
    "required": ["success", "message", "data"],
    "properties": {
        "success": {"type": "boolean", "enum": [True]},
        "message": _TEXT,
        "data": {"type": "object", "properties": RUN, "required": sorted(RUN)},
    },
}
FAILURE = {
    "type": "object",
    "required": ["success", "message", "errors"],
    "properties": {
        "success": {"type": "boolean", "enum": [False]},
        "message": _TEXT,
        "errors": {"type": "array", "items": PROBLEM},
    },
}
HEALTH = {
    "type": "object",
    "required": ["status", "version", "revision", "timestamp"],
    "properties": dict.fromkeys(("status", "version", "revision", "timestamp"), _TEXT),
}


def document() -> dict[str, Any]:
    """Return the OpenAPI 3.0 document of the submit functions."""
    return {
        "openapi": "3.0.3",
        "info": {"title": "orchestrator", "version": __version__, "description": "Submits runs of coding agents."},
        "paths": {
            **{f"/{kind.function}": {"post": _operation(kind)} for kind in RunKind},
            "/health": {"get": _health()},
        },
        "components": {
            "schemas": {
                **{f"{kind}Spec": _schema(kind) for kind in RunKind},
                "Success": SUCCESS,
                "Failure": FAILURE,
                "Health": HEALTH,
            },
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def document_text() -> str:
    """Return the document as JSON."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def _operation(kind: RunKind) -> dict[str, Any]:
    return {
        "operationId": kind.function,
        "summary": f"Submit a {kind.word} run",
        "parameters": [
            {"name": name, "in": "header", "required": False, "description": text, "schema": HEADER_SCHEMAS[name]}
            for name, text in HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _reference(f"{kind}Spec")}}},
        "responses": {code: _answer(code, text) for code, text in ANSWERS.items()},
    }


def _answer(status: str, text: str) -> dict[str, Any]:
    schema = _reference("Success" if status.startswith("2") else "Failure")
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _health() -> dict[str, Any]:
    content = {"application/json": {"schema": _reference("Health")}}
    return {
        "operationId": "health",
        "summary": "Say that the function runs, without touching the cluster",
        "responses": {"200": {"description": "It runs.", "content": content}},
    }


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _schema(kind: RunKind) -> dict[str, Any]:
    """Return the spec's schema."""
    schema: dict[str, Any] = _closed(structural(SPECS[kind]))
    return schema


def _closed(node: Any) -> Any:
    """Return the schema without Kubernetes' extensions. Unlike in the custom resource, unknown fields are refused."""
    if isinstance(node, list):
        return [_closed(each) for each in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _closed(each) for key, each in node.items() if not str(key).startswith("x-kubernetes")}
    return plain | {"additionalProperties": False} if node.get("type") == "object" else plain


HEAD = f"""# HTTP

{GENERATED}
Each submit function is an address of its own; [openapi.json](openapi.json) is the same as an OpenAPI document. The
body of a `POST` is the spec as JSON, in camelCase. Snake case is accepted too, but not a mixture; unknown fields are
refused.
An answer is `{{"success": true, "message": ..., "data": {{"name", "namespace", "kind", "uid", "phase"}}}}`, or
`{{"success": false, "message": ..., "errors": [{{"field", "message"}}]}}`.
"""


def page() -> str:
    """Return the page."""
    parts = [HEAD, "## Headers\n", table(("header", ""), [(code(name), text) for name, text in HEADERS.items()])]
    parts += ["\n## Answers\n", table(("code", "when"), ANSWERS.items())]
    for kind in RunKind:
        parts += [f"\n## {kind.function}\n", f"Creates a {kind}.\n", table(("field", "", ""), _fields(kind))]
    parts += ["\n## GET /health\n", "Says that the function runs, with its version, without touching the cluster."]
    return "\n".join(parts) + "\n"


def _fields(kind: RunKind) -> Iterator[tuple[str, str, str]]:
    schema = structural(SPECS[kind])
    for name, node in schema["properties"].items():
        if name != "cancel":
            yield code(name), "required" if name in schema["required"] else _default(node), node.get("description", "")


def _default(node: Mapping[str, Any]) -> str:
    return f"default {code(json.dumps(node['default']))}" if "default" in node else ""
