"""Which rules an event goes to; routers are put together from others, as in gidgethub."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from functions.github.webhook.decisions import Decision
from functions.github.webhook.event import WebhookEvent

Rule = Callable[[WebhookEvent], Sequence[Decision]]


class Router:
    """Rules by event and action."""

    def __init__(self, *others: "Router") -> None:
        self._rules: defaultdict[tuple[str, str], list[Rule]] = defaultdict(list)
        for other in others:
            for where, rules in other._rules.items():
                self._rules[where] += rules

    def on(self, event: str, *actions: str) -> Callable[[Rule], Rule]:
        """Has a rule decide on an event with one of the actions, or with any where none is named."""

        def add(rule: Rule) -> Rule:
            for action in actions or ("",):
                self._rules[event, action].append(rule)
            return rule

        return add

    def decide(self, happening: WebhookEvent) -> list[Decision]:
        """What all rules decide that it comes to."""
        return [decision for rule in self._for(happening) for decision in rule(happening)]

    def _for(self, happening: WebhookEvent) -> Iterator[Rule]:
        yield from self._rules.get((happening.event, ""), ())
        if happening.action:
            yield from self._rules.get((happening.event, happening.action), ())
