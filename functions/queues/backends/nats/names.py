"""Names on NATS: a topic is a stream with subjects of its own, a subscription is a consumer."""

from dataclasses import dataclass

ROOT = "orchestrator"
"""First token of every subject: a user's permissions can name `orchestrator.>`."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one installation; streams, and the second token of subjects, begin with `prefix`."""

    prefix: str = ""

    def stream(self, topic: str) -> str:
        """Return the stream of a topic."""
        return f"{self.prefix}{topic}"

    def subject(self, topic: str) -> str:
        """Return the subject that a topic's events are published on."""
        return f"{ROOT}.{self.prefix}{topic}"

    def schedules(self, topic: str) -> str:
        """Return the pattern of the subjects that a topic's schedules are published on."""
        return f"{self.subject(topic)}.schedule.*"

    def schedule(self, topic: str, event_type: str) -> str:
        """Return the subject of one schedule: how many of its events wait is known by subject."""
        return f"{self.subject(topic)}.schedule.{event_type.replace('.', '-')}"
