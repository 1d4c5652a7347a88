"""The source archive that every function is deployed from: the same bytes for the same sources, on any machine.

The buildpack of Google Cloud wants a `main.py` and a `requirements.txt` at the root, and takes any `pyproject.toml`
there for a reason to install something else, so that neither the repository as it is nor a wheel will do. What a
function never imports stays out. The templates go in as the copy that is used where no other is configured.

`python infra/archive.py [FILE]` writes it and prints its SHA-256.
"""

import hashlib
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "dist" / "functions.zip"

MAIN = "from functions.main import *  # noqa: F403\n"
LEFT_OUT = frozenset({"functions/local", "functions/clients", "functions/bridge"})
"""Rooms of one machine and of people; functions/main.py reaches none of them."""

FIRST_MOMENT = (1980, 1, 1, 0, 0, 0)
"""The earliest that a ZIP archive can name (APPNOTE.TXT, 4.4.6); a file's own time says nothing about the sources."""
REGULAR_FILE = 0o100644 << 16
UNIX = 3


def contents(root: Path) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file, in order of the names."""
    found = {"main.py": MAIN.encode(), "requirements.txt": (root / "requirements.txt").read_bytes()}
    for room in ("functions", "templates"):
        found |= {path.relative_to(root).as_posix(): path.read_bytes() for path in (root / room).rglob("*")
                  if path.is_file() and _belongs(path.relative_to(root))}  # fmt: skip
    yield from sorted(found.items())


def _belongs(path: Path) -> bool:
    hidden = any(part.startswith(".") or part == "__pycache__" for part in path.parts)
    return not hidden and "/".join(path.parts[:2]) not in LEFT_OUT


def write(root: Path, file: Path) -> str:
    """Write the archive and return its SHA-256. It is not compressed: zlib's output differs between its versions."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, data in contents(root):
            entry = zipfile.ZipInfo(name, FIRST_MOMENT)
            entry.external_attr, entry.create_system = REGULAR_FILE, UNIX
            archive.writestr(entry, data)
    return hashlib.sha256(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    print(write(ROOT, target), target)
