"""Golden files: the rendered text of every template for every shape of attempt, which shows the effect of a change.

For each agent CLI, kind of work and task file, one golden holds the text of the first case with that file, then every
other text as a diff from the first, each with its cases. A golden that equals that of another agent CLI only names it.
A file without Jinja has no golden.

`python -m tests.support.golden` (`make golden`) writes the files.
"""

import difflib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functions.runs.model.code_run_spec import CodeRunSpec
from functions.runs.model.docs_run_spec import DocsRunSpec
from functions.runs.model.run_spec import RunSpec
from functions.settings.model import Settings
from functions.templating import search_path
from functions.templating.render import AttemptContext, task_files
from tests.support.builders import CODE_SPEC, DOCS_SPEC, UID, settings

DIRECTORY = Path(__file__).parents[1] / "golden"
MODELS = {"claude": "claude-opus-4-20250514", "codex": "gpt-5.1-codex"}
IDENTITIES: Mapping[str, Mapping[str, Any]] = {
    "user": {"githubUser": "octocat", "githubApp": None},
    **{name: {"githubUser": None, "githubApp": f"5DLabs-{name.title()}"} for name in ("rex", "cleo", "tess", "blaze")},
}
PRESETS = ("default", "minimal", "advanced", "issue", "prompt")
TASKS: Mapping[str, Mapping[str, Any]] = {
    "issue": {"title": "Mend it", "text": "Now.", "url": "https://git.example/acme/shop/issues/12"},
    "prompt": {"title": "Mend it", "text": "Now."},
}
SECTIONS: Mapping[str, Any] = {"tools": {"server_url": "https://tools.example/mcp"}}


@dataclass(frozen=True)
class Case:
    """One shape of attempt; `preset` is a preset of tools or a source of the task, and empty for docs."""

    cli: str
    kind: str
    identity: str
    preset: str
    retry: bool

    def __str__(self) -> str:
        return " ".join(word for word in (self.identity, self.preset, "retry" if self.retry else "first") if word)

    @property
    def task(self) -> AttemptContext:
        """Return an attempt of this shape, with constant names and ids."""
        return make_task(self.cli, self.kind, retry=self.retry, **IDENTITIES[self.identity], **self._preset)

    @property
    def _preset(self) -> dict[str, Any]:
        if self.preset in TASKS:
            return {"taskId": None, "task": TASKS[self.preset]}
        return {"toolConfig": self.preset} if self.preset else {}


def make_task(cli: str, kind: str, *, retry: bool = False, **changes: Any) -> AttemptContext:
    """Return an attempt; `changes` are fields of its spec."""
    model: type[RunSpec] = CodeRunSpec if kind == "code" else DocsRunSpec
    base = dict(CODE_SPEC if kind == "code" else DOCS_SPEC) | {"agentCli": cli, "model": MODELS[cli]}
    attempt = 2 if retry else 1
    return AttemptContext(
        run="run-1",
        namespace="orchestrator",
        uid=UID,
        attempt=attempt,
        job_name=f"{kind}-run-1-3f2b8-{attempt}",
        spec=model.model_validate(base | changes),
        branch="agents/run-1-3f2b8",
        session_id=UID,
        resume=retry,
        deadline_seconds=7200,
    )


def cases(cli: str, kind: str) -> list[Case]:
    """Return every shape for an agent CLI and kind of work."""
    presets = PRESETS if kind == "code" else ("",)
    found = itertools.product(IDENTITIES, presets, (False, True))
    return [
        Case(cli, kind, identity, preset, retry)
        for identity, preset, retry in found
        if preset not in TASKS or identity == "rex"  # a task does not depend on the identity
    ]


def rendered(cli: str, kind: str, chosen: Settings) -> dict[str, dict[Case, str]]:
    """Return texts by task file and case, for templates with Jinja."""
    found: dict[str, dict[Case, str]] = {}
    for case in cases(cli, kind):
        names = search_path.find(chosen.templates, cli, kind, case.task.spec.agent)
        for key, text in task_files(case.task, chosen).files.items():
            if (chosen.templates / names[key]).read_text() != text:
                found.setdefault(key, {})[case] = text
    return found


def golden(texts: Mapping[Case, str]) -> str:
    """Return the first text, then each other one as a diff from it."""
    groups: dict[str, list[Case]] = {}
    for case, text in texts.items():
        groups.setdefault(text, []).append(case)
    (base, first), *others = groups.items()
    parts = [_heading(first), base]
    for text, found in others:
        lines = difflib.unified_diff(base.splitlines(True), text.splitlines(True), "first", "here", n=1)
        parts += ["\n", _heading(found), *lines]
    return "".join(parts)


def _heading(found: list[Case]) -> str:
    return f"=== {', '.join(map(str, found))}\n"


def goldens() -> Iterator[tuple[str, str]]:
    """Yield path below DIRECTORY and text of every golden."""
    chosen, seen = settings(**SECTIONS), dict[str, str]()
    for cli, kind in itertools.product(MODELS, ("docs", "code")):
        for key, texts in rendered(cli, kind, chosen).items():
            text, path = golden(texts), f"{cli}/{kind}/{key}"
            same = seen.setdefault(text, path)
            yield f"{path}.golden", text if same == path else f"the same as {same}.golden\n"


def write() -> None:
    """Write all goldens, and delete files that are no longer needed."""
    found = dict(goldens())
    for old in DIRECTORY.rglob("*.golden"):
        if old.relative_to(DIRECTORY).as_posix() not in found:
            old.unlink()
    for path, text in found.items():
        (DIRECTORY / path).parent.mkdir(parents=True, exist_ok=True)
        (DIRECTORY / path).write_text(text)


if __name__ == "__main__":
    write()
