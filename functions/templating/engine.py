"""The Jinja2 environment of the templates: strict, and safe for what users write.

An unknown name is an error that names template and line. Values reach shell scripts through the filter `sh` and JSON
through `json`; no text of a user is ever compiled as a template.
"""

import json
import shlex
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import (
    BytecodeCache,
    Environment,
    FileSystemBytecodeCache,
    FileSystemLoader,
    StrictUndefined,
    TemplateNotFound,
    TemplateSyntaxError,
    meta,
)
from jinja2 import TemplateError as JinjaError
from jinja2.bccache import Bucket

COMPILED = ".compiled"
"""The directory within the templates that `python -m functions.templating.compile` writes."""


class TemplateError(Exception):
    """A template cannot be rendered; the text names the template, the line and the problem."""

    def __init__(self, template: str, line: int | None, message: str) -> None:
        """Describe a problem; `line` is None if it concerns the whole text, `template` empty if it is the request's."""
        where = f"template {template}{f', line {line}' if line else ''}: " if template else ""
        super().__init__(where + message)
        self.template = template
        self.line = line
        self.message = message


class _RefusedError(JinjaError):
    """Raised by `refuse(...)` in a template, for a value that the template cannot serve."""


class CompiledTemplates(FileSystemBytecodeCache):
    """Bytecode that was written when the image was built.

    Jinja2 uses an entry only if the template still has the source it was compiled from. Nothing is written while a
    function serves: the directory may be read-only, and a process compiles what is missing for itself.
    """

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write nothing."""


@lru_cache
def environment(templates: Path) -> Environment:
    """Return the environment of a templates directory, one per process."""
    return create_environment(templates, CompiledTemplates(str(templates / COMPILED)))


def create_environment(templates: Path, cache: BytecodeCache) -> Environment:
    """Return a new environment that keeps compiled templates in `cache`."""
    created = Environment(
        loader=FileSystemLoader(templates),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  (scripts, JSON and Markdown, not HTML; see the filters)
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=cache,
        auto_reload=False,  # template_set looks for changes, once for all templates of an attempt
    )
    created.filters |= {"sh": _sh, "json": _json}
    created.globals["refuse"] = _refuse
    return created


def reload(templates: Path) -> None:
    """Load the templates of the directory again when they are used next."""
    loaded = environment(templates).cache
    if loaded is not None:
        loaded.clear()


def _sh(value: object) -> str:
    return shlex.quote(str(value))


def _json(value: object) -> str:
    # str() of other types: an undefined value raises its own error there.
    return json.dumps(value, default=str, ensure_ascii=False)


def _refuse(message: str) -> NoReturn:
    raise _RefusedError(message)


def render(templates: Path, name: str, variables: Mapping[str, Any]) -> str:
    """Return the text of template `name`; templates named *.json.j2 must render as JSON.

    Raises:
        TemplateError: with the template and line of the problem, which may be in an included template.
    """
    with _explained(templates, name):
        text = environment(templates).get_template(name).render(variables)
    try:
        if name.endswith(".json.j2"):
            json.loads(text)
    except ValueError as error:
        raise TemplateError(name, None, f"is not JSON once rendered: {error}") from error
    return text


def references(templates: Path, name: str, source: bytes) -> list[str]:
    """Return the templates that this one includes, imports or extends by name; none if its syntax is wrong.

    Raises:
        TemplateError: the source is not UTF-8. A syntax error is left for `render` to report.
    """
    with _explained(templates, name):
        text = source.decode()
    try:
        parsed = environment(templates).parse(text)
    except TemplateSyntaxError:
        return []
    return [referenced for referenced in meta.find_referenced_templates(parsed) if referenced]


@contextmanager
def _explained(templates: Path, name: str) -> Iterator[None]:
    """Raise every error of loading or rendering `name` as a TemplateError."""
    try:
        yield
    except TemplateSyntaxError as error:
        raise TemplateError(error.name or name, error.lineno, error.message or "syntax error") from error
    except TemplateNotFound as error:
        raise TemplateError(name, None, f"there is no template {error.name} in {templates}") from error
    except (JinjaError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError) as error:
        raise TemplateError(*_location(templates, name, error), str(error)) from error


def _location(templates: Path, name: str, error: Exception) -> tuple[str, int | None]:
    """Return the template and line where `error` arose; Jinja2 puts both into tracebacks."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(templates):
            return path.relative_to(templates).as_posix(), frame.lineno
    return name, None
