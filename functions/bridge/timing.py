"""The times the bridge goes by, together, because each one is chosen by the others."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """All in seconds.

    `watch`: the server ends a watch after it, and the next one begins; on a quiet cluster that is a sign of life.
    (Bookmarks may come as well, about once a minute: Kubernetes, API concepts, Watch bookmarks.)
    `silence`: a watch that says nothing for so long is cut off on the way, and given up; longer than `watch`.
    `dead_after`: without a sign of life for so long a watch is dead; long enough to give up one and open another.
    `first_pause`, `longest_pause`: between attempts to reach the API server or the queue, doubled each time.
    `closing`: how long a stop waits for what is being published; longer than a publisher's time-out.
    """

    watch: int = 120
    silence: float = 150.0
    dead_after: float = 330.0
    first_pause: float = 0.2
    longest_pause: float = 30.0
    closing: float = 15.0

    def longer(self, pause: float) -> float:
        """The pause after `pause`."""
        return min(pause * 2, self.longest_pause)


DEFAULT = Timing()
