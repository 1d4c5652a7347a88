"""How much memory modules have allocated: tracemalloc counts a process, of which other threads are a part."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


class Allocated:
    """Bytes that the lines of some modules have allocated and not freed since tracing began."""

    def __init__(self, modules: tuple[ModuleType, ...]) -> None:
        self._filters = [tracemalloc.Filter(True, str(each.__file__)) for each in modules]

    def bytes(self) -> int:
        """Return what is allocated now."""
        traced = tracemalloc.take_snapshot().filter_traces(self._filters)
        return sum(each.size for each in traced.statistics("filename"))


@contextmanager
def allocated_by(*modules: ModuleType) -> Iterator[Allocated]:
    """Trace allocations for as long as the block lasts."""
    tracemalloc.start()
    try:
        yield Allocated(modules)
    finally:
        tracemalloc.stop()
