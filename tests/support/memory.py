"""Memory that the lines of given modules allocate: a count of the whole process would include other threads."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


class Allocated:
    """Bytes that the lines of some modules have allocated and not freed since tracing started."""

    def __init__(self, modules: tuple[ModuleType, ...]) -> None:
        self._filters = [tracemalloc.Filter(True, str(each.__file__)) for each in modules]

    def bytes(self) -> int:
        """Return the number of bytes that are allocated now."""
        traced = tracemalloc.take_snapshot().filter_traces(self._filters)
        return sum(each.size for each in traced.statistics("filename"))


@contextmanager
def allocated_by(*modules: ModuleType) -> Iterator[Allocated]:
    """Trace allocations until the block ends."""
    tracemalloc.start()
    try:
        yield Allocated(modules)
    finally:
        tracemalloc.stop()
