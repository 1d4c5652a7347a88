"""Dispatches events to rules. Routers are composed of other routers."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from functions.github.webhook.decisions import Decision
from functions.github.webhook.event import WebhookEvent

Rule = Callable[[WebhookEvent], Sequence[Decision]]


class Router:
    """Rules by event name and action."""

    def __init__(self, *others: "Router") -> None:
        self._rules: defaultdict[tuple[str, str], list[Rule]] = defaultdict(list)
        for other in others:
            for name_and_action, rules in other._rules.items():
                self._rules[name_and_action] += rules

    def on(self, name: str, *actions: str) -> Callable[[Rule], Rule]:
        """Register the decorated rule for an event with one of the actions, or with any if none is given."""

        def register(rule: Rule) -> Rule:
            for action in actions or ("",):
                self._rules[name, action].append(rule)
            return rule

        return register

    def events(self) -> set[str]:
        """Return the names of the events that have a rule."""
        return {name for name, _ in self._rules}

    def decide(self, event: WebhookEvent) -> list[Decision]:
        """Return the decisions of all rules about the event."""
        return [decision for rule in self._rules_for(event) for decision in rule(event)]

    def _rules_for(self, event: WebhookEvent) -> Iterator[Rule]:
        yield from self._rules.get((event.name, ""), ())
        if event.action:
            yield from self._rules.get((event.name, event.action), ())
