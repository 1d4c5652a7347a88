"""Names as GitHub has them."""

import re
from typing import Any

REPOSITORY = re.compile(r"(?!\.{1,2}/)[\w.-]+/(?!\.{1,2}$)[\w.-]+", re.ASCII)


def repository_name(value: Any) -> str | None:
    """`owner/name` where this is one, else None."""
    return value if isinstance(value, str) and REPOSITORY.fullmatch(value) else None
