"""GitHub's rules for names."""

import re
from typing import Any

REPOSITORY = re.compile(r"(?!\.{1,2}/)[\w.-]+/(?!\.{1,2}$)[\w.-]+", re.ASCII)


def repository_name(value: Any) -> str | None:
    """Return the value if it is a repository's full name (`owner/name`), else None."""
    return value if isinstance(value, str) and REPOSITORY.fullmatch(value) else None
