"""The stock: the count of each item."""

import json
from pathlib import Path


class Stock:
    """Counts by item, kept in a JSON file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._counts: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}

    def add(self, item: str, count: int) -> int:
        """Add `count` of `item` and return the new count."""
        self._counts[item] = self._counts.get(item, 0) + count
        self._path.write_text(json.dumps(self._counts))
        return self._counts[item]

    def counts(self) -> dict[str, int]:
        """Return the count of each item."""
        return dict(sorted(self._counts.items()))
