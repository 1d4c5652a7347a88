"""Write the reference pages: `python -m functions.clients.reference`."""

from collections.abc import Mapping
from pathlib import Path

from functions.clients.reference import command_line, configuration, http, troubleshooting

DOCS = Path(__file__).resolve().parents[3] / "docs"


def pages() -> Mapping[str, str]:
    """Return the text of each generated page by its name in docs/."""
    return {
        "command-line.md": command_line.page(),
        "configuration.md": configuration.page(),
        "http.md": http.page(),
        "openapi.json": http.document_text(),
        "troubleshooting.md": troubleshooting.page(),
    }


def main() -> None:
    """Write every page."""
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
