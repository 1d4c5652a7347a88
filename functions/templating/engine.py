"""Jinja2 set up so that nothing is left out quietly and nothing that a user wrote becomes code.

Values reach shell scripts only through the filter `sh` and JSON only through `json`; an unknown name is an error
that says where.
"""

import json
import re
import shlex
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    Template,
    TemplateNotFound,
    TemplateSyntaxError,
    meta,
    nodes,
)
from jinja2 import TemplateError as JinjaError


class TemplateError(Exception):
    """A template cannot be rendered; the text names template, line and what is wrong."""

    def __init__(self, template: str, line: int | None, message: str) -> None:
        """`line` is None where the fault belongs to the rendered text as a whole."""
        super().__init__(f"template {template}{f', line {line}' if line else ''}: {message}")
        self.template = template
        self.line = line
        self.message = message


class _RefusedError(JinjaError):
    """Raised by `refuse(...)` in a template: a value that the template cannot serve."""


class _Environment(Environment):
    """Compiles what was parsed to find its references: parsing is a third of what a process's first attempt costs."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._trees: dict[str, nodes.Template] = {}

    def parse(self, source: str, name: str | None = None, filename: str | None = None) -> nodes.Template:
        """The template's syntax tree, kept until it is compiled. Raises TemplateSyntaxError."""
        found = self._trees[source] = super().parse(source, name, filename)
        return found

    def compile(self, source: Any, *args: Any, **options: Any) -> Any:
        """The template as code (called by Jinja2's loader)."""
        return super().compile(self._trees.pop(source, source), *args, **options)


@lru_cache
def environment(templates: Path) -> Environment:
    """The one environment of a templates directory; it notices when a file in it changes."""
    found = _Environment(
        loader=FileSystemLoader(templates),
        undefined=StrictUndefined,
        autoescape=False,  # scripts, JSON and Markdown, not HTML; see the filters
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        optimized=False,  # which takes a tenth longer to compile, and here there is nothing to gain by
    )
    found.filters |= {"sh": _sh, "json": _json}
    found.globals["refuse"] = _refuse
    return found


def _sh(value: object) -> str:
    return shlex.quote(str(value))


def _json(value: object) -> str:
    # str() of what json does not know: an undefined value raises its own error there.
    return json.dumps(value, default=str, ensure_ascii=False)


def _refuse(message: str) -> NoReturn:
    raise _RefusedError(message)


def compiled(templates: Path, name: str) -> Template:
    """Template `name`, ready to be rendered.

    Raises:
        TemplateError: it is not there, or cannot be read as a template.
    """
    with _explained(templates, name):
        return environment(templates).get_template(name)


def render(templates: Path, template: Template, variables: Mapping[str, Any]) -> str:
    """The text of a template. JSON templates (`*.json.j2`) must come out as JSON.

    Raises:
        TemplateError: with the template and line it is about, which may be an included one.
    """
    name = template.name or ""
    with _explained(templates, name):
        text = template.render(variables)
    return checked(name, text)


@contextmanager
def _explained(templates: Path, name: str) -> Iterator[None]:
    """Every way that making `name` can fail as a TemplateError."""
    try:
        yield
    except TemplateSyntaxError as error:
        raise TemplateError(error.name or name, error.lineno, error.message or "syntax error") from error
    except TemplateNotFound as error:
        raise TemplateError(name, None, f"there is no template {error.name} in {templates}") from error
    except (JinjaError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError) as error:
        raise TemplateError(*_place(templates, name, error), str(error)) from error


def _place(templates: Path, name: str, error: Exception) -> tuple[str, int | None]:
    """Where in the templates `error` arose: Jinja2 puts template files and lines into tracebacks."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(templates):
            return path.relative_to(templates).as_posix(), frame.lineno
    return name, None


def checked(name: str, text: str) -> str:
    """The text that template `name` comes to. Raises TemplateError where it should be JSON and is not."""
    try:
        if name.endswith(".json.j2"):
            json.loads(text)
    except ValueError as error:
        raise TemplateError(name, None, f"is not JSON once rendered: {error}") from error
    return text


@dataclass(frozen=True, slots=True)
class Needs:
    """What a template is made of besides text of its own."""

    templates: Sequence[str] = ()
    """Those that it includes or extends by name."""
    alone: bool = False
    """Whether that is all, so that it comes out the same whatever the variables are."""
    text: str | None = None
    """What comes out, where nothing in it is Jinja2's."""


_MARKS = "{{", "{%", "{#"

_BREAK = re.compile(r"\r\n|\r|\n")
"""A line's end to Jinja2, which makes a line feed of it (API: Environment, newline_sequence)."""

_VARYING = nodes.Name | nodes.Call | nodes.Filter
"""What may come out differently from one attempt to the next."""


def decoded(templates: Path, name: str, source: bytes) -> str:
    """The text of a template. Raises TemplateError."""
    with _explained(templates, name):
        return source.decode()


def needs(templates: Path, source: str) -> Needs:
    """What a template with this source needs; nothing is known of one that cannot be read as a template.

    What is wrong with that one is said when it is rendered. What is text alone, as most scripts are, is not parsed.
    """
    if not any(mark in source for mark in _MARKS):
        return Needs(alone=True, text="\n".join(_BREAK.split(source)))
    try:
        parsed = environment(templates).parse(source)
    except TemplateSyntaxError:
        return Needs()
    alone = not any(isinstance(node, _VARYING) for node in parsed.find_all(nodes.Node))
    return Needs([name for name in meta.find_referenced_templates(parsed) if name], alone)
