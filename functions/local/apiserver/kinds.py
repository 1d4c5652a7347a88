"""The description of a kind; builtin.py and custom.py create the instances."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from functions.local.apiserver import names
from functions.local.apiserver.errors import Obj
from functions.local.apiserver.kind_rules import Rules

ALL_VERBS = ("create", "delete", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True, eq=False)  # one instance per kind: compared by identity
class Kind:
    """One kind of object, as discovery describes it, with the rules for writing it."""

    group: str
    version: str
    kind: str
    plural: str
    rules: Rules = field(default_factory=Rules)
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    namespaced: bool = True
    has_status: bool = False
    custom: bool = False
    verbs: tuple[str, ...] = ALL_VERBS
    printer_columns: tuple[Obj, ...] = ()
    name_problems: Callable[[str], Iterator[str]] = names.subdomain_problems

    @property
    def resource(self) -> str:
        """The name in messages and in the store, such as `coderuns.agents.platform` or `pods`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def api_version(self) -> str:
        """The apiVersion of its objects, such as `batch/v1` or `v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        """The singular name, in lower case."""
        return self.kind.lower()
