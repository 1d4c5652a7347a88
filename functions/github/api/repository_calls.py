"""The calls about one repository that reports and commands make."""

from collections.abc import Iterator
from typing import Any, Protocol


class RepositoryCalls(Protocol):
    """The calls of github/api/client.py `Repository` that are used. All raise GithubError."""

    @property
    def name(self) -> str:
        """The repository as `owner/name`."""
        ...

    def get(self, path: str, **query: str) -> Any:
        """Return the JSON at the path."""
        ...

    def pages(self, path: str, **query: str) -> Iterator[Any]:
        """Yield the items of a list, page by page."""
        ...

    def text_end(self, path: str, size: int) -> str:
        """Return the last bytes of a stored file, as text."""
        ...

    def post(self, path: str, body: Any = None) -> Any:
        """Create and return an object."""
        ...

    def patch(self, path: str, body: Any) -> Any:
        """Change and return an object."""
        ...

    def delete(self, path: str) -> None:
        """Delete the object at the path."""
        ...
