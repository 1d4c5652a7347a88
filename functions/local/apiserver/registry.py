"""The registry of kinds: the built-in ones and those of the CRDs in a folder."""

from collections.abc import Iterable
from pathlib import Path
from typing import Self

from functions.local.apiserver import builtin, custom
from functions.local.apiserver.errors import Obj
from functions.local.apiserver.kinds import Kind


class Registry:
    """The kinds of one server, by path or by resource name."""

    def __init__(self, kinds: Iterable[Kind], definitions: Iterable[Obj] = ()) -> None:
        self.kinds = tuple(kinds)
        self.definitions = tuple(definitions)
        self._by_path = {(kind.group, kind.version, kind.plural): kind for kind in self.kinds}
        self._by_resource = {kind.resource: kind for kind in self.kinds}

    @classmethod
    def load(cls, crds_dir: Path) -> Self:
        """Return the built-in kinds and those of the CRD files (*.yaml) in `crds_dir`.

        Raises:
            yaml.YAMLError: a file is not YAML.
            KeyError: a CustomResourceDefinition is incomplete.
        """
        definitions = [custom.established(definition) for definition in custom.definitions(crds_dir)]
        custom_kinds = [kind for definition in definitions for kind in custom.kinds(definition)]
        return cls((*builtin.KINDS, *custom_kinds), definitions)

    def by_path(self, group: str, version: str, plural: str) -> Kind | None:
        """Return the kind served at /apis/<group>/<version>/<plural>."""
        return self._by_path.get((group, version, plural))

    def by_resource(self, resource: str) -> Kind | None:
        """Return the kind of a stored object; None if its CRD has been removed."""
        return self._by_resource.get(resource)

    def groups(self) -> dict[str, list[str]]:
        """Return the API groups and their versions; the core group is ''."""
        groups: dict[str, list[str]] = {}
        for kind in self.kinds:
            versions = groups.setdefault(kind.group, [])
            if kind.version not in versions:
                versions.append(kind.version)
        return groups
