"""The message of a retry: an option, or a file."""

import sys
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from functions.clients.errors import WrongUsage
from functions.runs.model.fields import Prompt

_PROMPT: TypeAdapter[str] = TypeAdapter(Prompt)


def from_options(message: str | None, file: Path | None) -> str | None:
    """Return the message; None if there is none.

    Raises:
        WrongUsage: the message is empty, invalid, unreadable or given twice.
    """
    if message is not None and file is not None:
        raise WrongUsage("give --message or --message-file, not both")
    if message is None and file is None:
        return None
    option, text = ("--message", message) if file is None else ("--message-file", _read(file))
    if not (text or "").strip():
        raise WrongUsage(f"{option}: is empty; leave it out to try again as before")
    try:
        return _PROMPT.validate_python(text)
    except ValidationError as error:
        raise WrongUsage(f"{option}: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


def _read(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUsage(f"--message-file: cannot read {file}: {error}") from error
