"""Which kinds there are: the built-in ones and those of the CRDs in a folder."""

from collections.abc import Iterable
from pathlib import Path
from typing import Self

from functions.local.apiserver import builtin, custom
from functions.local.apiserver.errors import Obj
from functions.local.apiserver.kinds import Kind


class Registry:
    """The kinds of one server, found by where they are served or by their resource name."""

    def __init__(self, kinds: Iterable[Kind], definitions: Iterable[Obj] = ()) -> None:
        self.kinds = tuple(kinds)
        self.definitions = tuple(definitions)
        self._by_path = {(kind.group, kind.version, kind.plural): kind for kind in self.kinds}
        self._by_resource = {kind.resource: kind for kind in self.kinds}

    @classmethod
    def load(cls, crds_dir: Path) -> Self:
        """The built-in kinds and those of the CRD files (*.yaml) in `crds_dir`.

        Raises yaml.YAMLError or KeyError for a file that is not a CustomResourceDefinition.
        """
        definitions = [custom.established(definition) for definition in custom.definitions(crds_dir)]
        found = [kind for definition in definitions for kind in custom.kinds(definition)]
        return cls((*builtin.KINDS, *found), definitions)

    def served(self, group: str, version: str, plural: str) -> Kind | None:
        """The kind at /apis/<group>/<version>/<plural>."""
        return self._by_path.get((group, version, plural))

    def of_resource(self, resource: str) -> Kind | None:
        """The kind of a stored object; None when its CRD is gone."""
        return self._by_resource.get(resource)

    def groups(self) -> dict[str, list[str]]:
        """The API groups and their versions; the core group is ''."""
        found: dict[str, list[str]] = {}
        for kind in self.kinds:
            versions = found.setdefault(kind.group, [])
            if kind.version not in versions:
                versions.append(kind.version)
        return found
