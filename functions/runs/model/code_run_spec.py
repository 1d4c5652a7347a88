"""The spec of a code run."""

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from functions.runs.model import fields, repository_url
from functions.runs.model.kinds import RunKind
from functions.runs.model.run_spec import Purpose, RequestedTools, RunSpec, Task


class CodeRunSpec(RunSpec):
    """Implementation of one Task Master task."""

    kind: ClassVar[RunKind] = RunKind.CODE
    smallest: ClassVar[Mapping[str, Any]] = {
        **RunSpec.smallest,
        "taskId": 1,
        "service": "deleted",
        "platformRepositoryUrl": RunSpec.smallest["repositoryUrl"],
    }

    task_id: Annotated[fields.TaskId, Field(description="Task Master task or subtask, such as 3, 1.2 or HAM-1.")]
    task_title: Annotated[
        fields.TaskTitle | None, Field(description="Title of that task, which people read in lists.")
    ] = None
    service: Annotated[fields.Service, Field(description="Service the work is for; owns the workspace.")]
    platform_repository_url: Annotated[
        fields.RepositoryUrl, Field(description="Repository the Task Master definitions come from.")
    ]
    platform_branch: Annotated[
        fields.Branch | None, Field(description="Its branch; default: that repository's default branch.")
    ] = None
    platform_directory: Annotated[
        fields.WorkingDirectory | None, Field(description="Directory there that holds .taskmaster.")
    ] = None
    branch: Annotated[fields.Branch, Field(description="Base of the work and of the pull request.")] = "main"
    local_tools: Annotated[
        fields.ToolList | None, Field(description="Local MCP tools, comma separated; replaces the preset's.")
    ] = None
    remote_tools: Annotated[
        fields.ToolList | None, Field(description="Remote MCP tools, comma separated; replaces the preset's.")
    ] = None
    tool_config: Annotated[Literal["minimal", "default", "advanced"], Field(description="Preset of MCP tools.")] = (
        "default"
    )
    context_version: Annotated[int, Field(description="Raised by each person's retry.", ge=1, le=fields.INT32)] = 1
    continue_session: Annotated[bool, Field(description="Take up the last session of the workspace.")] = False
    prompt_modification: Annotated[fields.Prompt | None, Field(description="What a person adds to the prompt.")] = None
    prompt_mode: Annotated[
        Literal["append", "replace"], Field(description="Whether it is added to the prompt or replaces it.")
    ] = "append"

    @property
    def base_branch(self) -> str:
        """The branch that work starts from and the pull request goes back to."""
        return self.branch

    @property
    def requested_context_version(self) -> int:
        """Raised by each person's retry."""
        return self.context_version

    @property
    def repositories(self) -> Mapping[str, str]:
        """The repository of the work and that of the task's definition."""
        return {**super().repositories, "platformRepositoryUrl": self.platform_repository_url}

    @property
    def task_directory(self) -> str:
        """The directory of the platform repository that holds `.taskmaster`."""
        if self.platform_directory is not None:
            return self.platform_directory
        return self.working_directory if self.platform_repository_url == self.repository_url else "."

    @property
    def task(self) -> Task:
        """The task, which at most one unfinished run may have."""
        return Task(self.task_id, self.service)

    @property
    def workspace(self) -> str:
        """The name of the volume claim that the runs of a service and an agent share, one after the other."""
        return "-".join(filter(None, ("workspace", self.service, self.agent)))

    @property
    def name_prefix(self) -> str:
        """The service, as far as it fits, and the end of the task's id."""
        return f"{self.service[:16].rstrip('-')}-t{_short_task_id(self.task_id)}-"

    @property
    def own_capacity_keys(self) -> tuple[str, str]:
        """The runs of a service are limited; its workspace has one run at a time."""
        return (f"service/{self.service}", f"workspace/{self.workspace}")

    @property
    def requested_tools(self) -> RequestedTools:
        """The MCP tools of the agent."""
        return RequestedTools(self.tool_config, _names(self.remote_tools), _names(self.local_tools))

    @property
    def title(self) -> str:
        """The title of the pull request and of a commit that saves uncommitted work."""
        return f"Task {self.task_id}: {self.task_title or f'work on {self.service}'}"

    @property
    def purpose(self) -> Purpose:
        """What the run does, for people."""
        return Purpose(f"Task {self.task_id}", {"for": self.service})

    @property
    def products(self) -> tuple[()]:
        """None: the repository decides what is committed."""
        return ()

    def own_variables(self, run: str) -> Mapping[str, Any]:
        """Return where the task's definition and the text of the pull request are in the workspace."""
        return {
            "taskmaster_directory": posixpath.normpath(f"{self.task_directory}/.taskmaster"),
            "platform_store": repository_url.checkout(self.platform_repository_url) + ".git",
            "pull_request_file": f".orchestrator/{run}-pull-request.md",
        }


def _names(listed: str | None) -> Sequence[str]:
    """Return the names of a comma-separated list."""
    return [name.strip() for name in listed.split(",")] if listed else []


def _short_task_id(task_id: int | str) -> str:
    """Return the id, or the end of it, as a part of a DNS label of at most 6 characters."""
    if isinstance(task_id, int):
        return str(task_id % 1_000_000)
    return re.sub(r"[^a-z0-9]+", "-", task_id.lower())[-6:].strip("-")
