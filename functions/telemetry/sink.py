"""Where measurements go: nowhere, until a process says where. One per process, as with logging's handlers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from functions.telemetry.context import Scope
    from functions.telemetry.invocation import Invocation
    from functions.telemetry.metrics import Metric


class Sink(Protocol):
    """Takes what is measured; never raises, since no work depends on it."""

    def measured(self, metric: "Metric", value: float, labels: Mapping[str, str]) -> None:
        """A value of a metric."""
        ...

    def finished(self, work: "Invocation", scope: "Scope") -> None:
        """A request was answered."""
        ...


class NullSink:
    """The sink of a process that exports nothing."""

    def measured(self, metric: "Metric", value: float, labels: Mapping[str, str]) -> None:
        """Nothing becomes of it."""

    def finished(self, work: "Invocation", scope: "Scope") -> None:
        """Nothing becomes of it."""


_installed: list[Sink] = [NullSink()]


def current() -> Sink:
    """Where measurements of this process go."""
    return _installed[-1]


def install(sink: Sink) -> Sink:
    """From here on they go there; the sink before."""
    before, _installed[:] = _installed[-1], [sink]
    return before
