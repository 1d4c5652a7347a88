"""The spec of a code run."""

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from functions.runs.model import fields, repository_names
from functions.runs.model.api_model import ApiModel
from functions.runs.model.kinds import RunKind
from functions.runs.model.run_spec import SCHEMA_RULES, RunSpec
from functions.runs.model.spec_facts import Purpose, RequestedTools, TaskIdentity

ONE_TASK = "give exactly one of taskId and task"
NO_PLATFORM = "is required with taskId: the repository that has .taskmaster"

_ISSUE = re.compile(r"https?://([^/?#]+)/([\w.-]+/[\w.-]+)/issues/([0-9]{1,10})/?(?:[?#].*)?", re.ASCII)


class TaskDefinition(ApiModel):
    """A task that is not Task Master's, from an issue or a prompt, as it was when the run was asked for."""

    title: Annotated[fields.TaskTitle, Field(description="What is to be done, in one line.")]
    text: Annotated[fields.Prompt, Field(description="The task, in Markdown.")] = ""
    url: Annotated[
        fields.TaskUrl | None, Field(description="Its page, such as an issue's; two tasks of one page are the same.")
    ] = None

    @staticmethod
    def page_identity(url: object) -> str:
        """Return the URL of a task's page, the same for each form of the URL of one issue; empty without one."""
        match = _ISSUE.fullmatch(str(url or ""))
        if not match:
            return str(url or "")
        return f"https://{match[1].removesuffix(':443')}/{match[2]}/issues/{match[3]}".lower()

    @property
    def issue(self) -> int:
        """The number of the issue at the URL; 0 if the URL is not an issue's."""
        match = _ISSUE.fullmatch(self.url or "")
        return int(match[3]) if match else 0

    @property
    def issue_repository(self) -> str:
        """The repository of the issue as `host/owner/name`; empty if the URL is not an issue's."""
        match = _ISSUE.fullmatch(self.url or "")
        return f"{match[1]}/{match[2]}" if match else ""


class CodeRunSpec(RunSpec):
    """Implementation of one task: of Task Master, an issue, or a prompt."""

    model_config = ConfigDict(
        json_schema_extra={
            **SCHEMA_RULES,
            "allOf": [
                {"oneOf": [{"required": ["taskId"]}, {"required": ["task"]}]},
                {"anyOf": [{"required": ["platformRepositoryUrl"]}, {"required": ["task"]}]},
            ],
        }
    )
    kind: ClassVar[RunKind] = RunKind.CODE
    smallest: ClassVar[Mapping[str, Any]] = {
        **RunSpec.smallest,
        "taskId": 1,
        "service": "deleted",
        "platformRepositoryUrl": RunSpec.smallest["repositoryUrl"],
    }
    alternatives: ClassVar[Mapping[str, Any]] = {**RunSpec.alternatives, "task": {"title": "deleted"}}

    task_id: Annotated[
        fields.TaskId | None, Field(description="Task Master task or subtask, such as 3, 1.2 or HAM-1.")
    ] = None
    task_title: Annotated[
        fields.TaskTitle | None, Field(description="Title of that task, which people read in lists.")
    ] = None
    task: Annotated[
        TaskDefinition | None, Field(description="The task itself, in place of a taskId: an issue or a prompt.")
    ] = None
    service: Annotated[fields.Service, Field(description="Service the work is for; owns the workspace.")]
    platform_repository_url: Annotated[
        fields.RepositoryUrl | None,
        Field(description="Repository the Task Master definitions come from; required with taskId."),
    ] = None
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
    context_version: Annotated[int, Field(description="Raised by each retry.", ge=1, le=fields.INT32)] = 1
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
        """Raised by each retry."""
        return self.context_version

    @property
    def repositories(self) -> Mapping[str, str]:
        """The repository of the work and that of the task's definition."""
        platform = {"platformRepositoryUrl": self.platform_repository_url} if self.platform_repository_url else {}
        return {**super().repositories, **platform}

    @property
    def task_repository_url(self) -> str:
        """The repository of the task's definition; that of the work if the spec has the task itself."""
        return self.platform_repository_url or self.repository_url

    @property
    def task_directory(self) -> str:
        """The directory of the platform repository that holds `.taskmaster`."""
        if self.platform_directory is not None:
            return self.platform_directory
        return self.working_directory if self.task_repository_url == self.repository_url else "."

    def cross_field_problems(self) -> dict[str, str]:
        """Return what is wrong with fields together, by their names on the wire."""
        wrong = super().cross_field_problems()
        if (self.task_id is None) == (self.task is None):
            wrong |= {"taskId": ONE_TASK, "task": ONE_TASK}
        if self.task is None and self.platform_repository_url is None:
            wrong["platformRepositoryUrl"] = NO_PLATFORM
        return wrong

    @property
    def task_identity(self) -> TaskIdentity:
        """The task: its id is that of Task Master, or `issue-<number>`, or `prompt`."""
        if self.task is None:
            return TaskIdentity(self.task_id or "", self.service)
        name = f"issue-{self.task.issue}" if self.task.issue else "prompt"
        url = self.task.page_identity(self.task.url)
        return TaskIdentity(name, self.service, url, is_exclusive=self.task.url is not None)

    @property
    def workspace(self) -> str:
        """The name of the volume claim that runs of a service, an identity and a repository share, one at a time.

        A `_`, which Enterprise Managed Users have in their logins and no claim has in its name, becomes a `.`.
        """
        who = self.identity.partition("/")[2].replace("_", ".")
        return f"workspace-{self.service}-{who}-{self.workspace_key}"

    @property
    def former_workspace(self) -> str:
        """The name that an earlier version gave the workspace, which unfinished runs may still use."""
        return "-".join(filter(None, ("workspace", self.service, self.agent)))

    @property
    def name_prefix(self) -> str:
        """The service, as far as it fits, and the end of the task's id."""
        return f"{self.service[:16].rstrip('-')}-{self._short_task}-"

    @property
    def _short_task(self) -> str:
        if self.task is None:
            return f"t{_short_task_id(self.task_id or '')}"
        return f"i{_short_task_id(self.task.issue)}" if self.task.issue else "prompt"

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
        if self.task:
            return self.task.title
        return f"Task {self.task_id}: {self.task_title or f'work on {self.service}'}"

    @property
    def purpose(self) -> Purpose:
        """What the run does, for people."""
        return Purpose(self._noun, {"for": self.service})

    @property
    def _noun(self) -> str:
        if self.task is None:
            return f"Task {self.task_id}"
        return f"Issue {self.task.issue}" if self.task.issue else "Task"

    @property
    def is_issue_of_repository(self) -> bool:
        """Whether the task is an issue of the repository that the work happens in."""
        if not (self.task and self.task.issue):
            return False
        page = f"https://{self.task.issue_repository}"
        return repository_names.identity(page) == repository_names.identity(self.repository_url)

    @property
    def task_arguments(self) -> list[str]:
        """The task's id, its issue, or a prompt: the title if the task has nothing else, or else a placeholder."""
        if self.task is None:
            return [str(self.task_id)]
        if self.is_issue_of_repository:
            return ["--issue", str(self.task.issue)]
        return ["--prompt", self.task.title if self.task.text in ("", self.task.title) else "WHAT TO DO"]

    @property
    def closing_reference(self) -> str:
        """The line of a pull request that has GitHub close the task's issue; empty if the task is not an issue."""
        if not (self.task and self.task.issue):
            return ""
        other = "" if self.is_issue_of_repository else self.task.issue_repository.partition("/")[2]
        return f"Closes {other}#{self.task.issue}"

    @property
    def products(self) -> tuple[()]:
        """None: the repository decides what is committed."""
        return ()

    def own_variables(self, run: str) -> Mapping[str, Any]:
        """Return where the task's definition and the text of the pull request are in the workspace."""
        return {
            "taskmaster_directory": posixpath.normpath(f"{self.task_directory}/.taskmaster"),
            "platform_repository_url": self.task_repository_url,
            "platform_store": repository_names.checkout(self.task_repository_url) + ".git",
            "pull_request_file": f".orchestrator/{run}-pull-request.md",
            "task_id": self.task_identity.id,
            "task_name": self._noun,
        }


def _names(listed: str | None) -> Sequence[str]:
    """Return the names of a comma-separated list."""
    return [name.strip() for name in listed.split(",")] if listed else []


def _short_task_id(task_id: int | str) -> str:
    """Return the id, or the end of it, as a part of a DNS label of at most 6 characters."""
    if isinstance(task_id, int):
        return str(task_id % 1_000_000)
    return re.sub(r"[^a-z0-9]+", "-", task_id.lower())[-6:].strip("-")
