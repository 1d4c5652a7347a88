"""The spec of a docs run."""

import posixpath
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from functions.runs.model import fields, repository_names
from functions.runs.model.kinds import RunKind
from functions.runs.model.run_spec import RunSpec
from functions.runs.model.spec_facts import Purpose


class DocsRunSpec(RunSpec):
    """Documentation of the Task Master tasks of a working directory."""

    kind: ClassVar[RunKind] = RunKind.DOCS
    smallest: ClassVar[Mapping[str, Any]] = {**RunSpec.smallest, "sourceBranch": "deleted"}

    source_branch: Annotated[fields.Branch, Field(description="Branch to document; the pull request goes back to it.")]

    @property
    def base_branch(self) -> str:
        """The branch that work starts from and the pull request goes back to."""
        return self.source_branch

    @property
    def requested_context_version(self) -> None:
        """None: a docs run is submitted again instead."""

    @property
    def task_identity(self) -> None:
        """None: a docs run works on all tasks."""

    @property
    def task_arguments(self) -> tuple[()]:
        """No arguments: a docs run works on all tasks."""
        return ()

    @property
    def workspace(self) -> None:
        """None: the workspace lives as long as the pod."""

    @property
    def name_prefix(self) -> str:
        """The repository's name, as far as it fits, and `-docs-`."""
        return f"{repository_names.label(self.repository_url)[:19].strip('-') or 'docs'}-docs-"

    @property
    def own_capacity_keys(self) -> tuple[str]:
        """One run at a time in a directory of a branch of a repository."""
        directory = posixpath.normpath(self.working_directory)
        repository = repository_names.identity(self.repository_url)
        return (f"directory/{directory} of {repository} at {self.source_branch}",)

    @property
    def requested_tools(self) -> None:
        """None: a docs run has no MCP tools."""

    @property
    def title(self) -> str:
        """The title of the pull request and of a commit that saves uncommitted work."""
        of = f" of {self.working_directory}" if self.working_directory != "." else ""
        return f"docs: document the tasks{of}"

    @property
    def purpose(self) -> Purpose:
        """What the run does, for people."""
        return Purpose("Documentation", {"of": self.working_directory, "on": self.source_branch})

    @property
    def products(self) -> tuple[str]:
        """The documents of all tasks."""
        return (".taskmaster/docs",)

    def own_variables(self, run: str) -> Mapping[str, Any]:  # noqa: ARG002
        """Return no variables."""
        return {}
