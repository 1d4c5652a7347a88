"""A substitute for Claude Code if it is not installed or has no API key; everything around the agent is real.

It accepts Claude Code's command line and reads the rendered prompt, CLAUDE.md and settings. It makes the change of the
bundled example's first task (rehearsals/), or writes the files that a task would write, and runs the Stop hooks. Its
output, files and commits say that this was a rehearsal. It runs as `python3 -I rehearsal_agent.py` and imports nothing
of this project.

`REHEARSAL_SECONDS` (default 1) is its duration; `REHEARSAL_LOG` names a file to which each start appends a line.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

REHEARSALS = Path(__file__).resolve().parent / "rehearsals"
"""Changes of the example's tasks: PACKAGE-TASK.json with `edits` (file, old, new) and `test`, the tests' command."""

LONGEST_RESULT = 2000
"""Characters of the tests' output that are shown, after its last line, which says how they ended."""

BYLINE = "Written by the rehearsal agent; no model was asked."
Step = tuple[str, Callable[[], None]]


def arguments(argv: list[str]) -> argparse.Namespace:
    """Return the options of Claude Code that the container script passes."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for flag in ("-p", "--verbose", "--strict-mcp-config", "--fork-session"):
        parser.add_argument(flag, action="store_true")
    for option in (
        "--output-format",
        "--setting-sources",
        "--model",
        "--max-turns",
        "--max-budget-usd",
        "--mcp-config",
        "--append-system-prompt-file",
        "--system-prompt-snapshot",
    ):
        parser.add_argument(option)
    parser.add_argument("--settings", type=Path, required=True)
    parser.add_argument("--session-id")
    parser.add_argument("--resume")
    return parser.parse_args(argv)


def emit(session: str, kind: str, **fields: Any) -> None:
    """Print one line of the stream in Claude Code's stream-json format."""
    print(json.dumps({"type": kind, "session_id": session, "model": "rehearsal", **fields}), flush=True)


def say(session: str, text: str) -> None:
    """Print a message of the assistant."""
    message = {
        "role": "assistant",
        "model": "rehearsal",
        "content": [{"type": "text", "text": f"[rehearsal] {text}"}],
    }
    emit(session, "assistant", message=message)


def use_tool(session: str, name: str, given: dict[str, Any], perform: Callable[[], str]) -> None:
    """Print a call of a tool, perform it, and print its result, as Claude Code does."""
    call = {"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex[:12]}", "name": name, "input": given}
    emit(session, "assistant", message={"role": "assistant", "model": "rehearsal", "content": [call]})
    result = {"type": "tool_result", "tool_use_id": call["id"], "content": perform()}
    emit(session, "user", message={"role": "user", "content": [result]})


def open_session(options: argparse.Namespace, home: Path) -> tuple[str, Path]:
    """Return the session id and its file, at Claude Code's path; exit with Claude Code's error if it is invalid."""
    store = home / "projects" / re.sub(r"[^A-Za-z0-9]", "-", str(Path.cwd()))
    if options.resume and not (store / f"{options.resume}.jsonl").is_file():
        sys.exit(f"No conversation found with session ID: {options.resume}")
    session = options.session_id or options.resume
    file = store / f"{session}.jsonl"
    if options.session_id and file.exists():
        sys.exit(f"Error: Session ID {session} is already in use.")
    store.mkdir(parents=True, exist_ok=True)
    return session, file


def tasks(document: Any) -> Iterator[dict[str, Any]]:
    """Yield every task of a tasks.json, with and without tags."""
    for tag in (document, *document.values()):
        yield from tag.get("tasks", ()) if isinstance(tag, dict) else ()


def write(path: str, text: str) -> bool:
    """Write a file unless it exists; return whether it was written."""
    if Path(path).exists():
        return False
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)
    return True


def commit(subject: str) -> None:
    """Commit all changes, with the rehearsal as the model."""
    subprocess.run(["git", "add", "--all"], check=True)
    body = f"{BYLINE}\n\nAgent-Model: rehearsal"
    subprocess.run(["git", "commit", "--quiet", "--message", subject, "--message", body], check=True)


def docs_steps() -> Iterator[Step]:
    """Yield the steps that document each task; the Stop hook commits the last one."""
    all_tasks = list(tasks(json.loads(Path(".taskmaster/tasks/tasks.json").read_text())))
    for task in all_tasks:
        title = f"task {task['id']}: {task.get('title', '')}"
        yield f"documenting {title}", partial(document, task, title, last=task is all_tasks[-1])


def document(task: dict[str, Any], title: str, *, last: bool) -> None:
    """Write the three documents of one task."""
    directory = f".taskmaster/docs/task-{task['id']}"
    details = task.get("details") or task.get("description") or ""
    checks = [
        line.strip(" .")
        for line in re.split(r"[\n;]|\. ", str(task.get("testStrategy") or details))
        if line.strip(" .")
    ]
    new = [
        write(f"{directory}/task.md", f"# T{title[1:]}\n\n{BYLINE}\n\n{task.get('description', '')}\n\n{details}\n"),
        write(f"{directory}/prompt.md", f"# Implement {title}\n\n{BYLINE}\n\n{details}\n"),
        write(
            f"{directory}/acceptance-criteria.md",
            f"# Acceptance criteria of {title}\n\n{BYLINE}\n\n" + "".join(f"- [ ] {check}\n" for check in checks),
        ),
    ]
    if any(new) and not last:
        commit(f"docs: {title} (rehearsal)")


def code_steps(task: str, attempt: str) -> Iterator[Step]:
    """Yield the steps that record the requirements of the task's documents, as a small change with its own commit."""
    documents = sorted(Path(f".taskmaster/docs/task-{task}").glob("*.*"))
    if not documents:
        sys.exit(f".taskmaster/docs/task-{task} contains no documents")
    requirements = [
        line for path in documents for line in path.read_text().splitlines() if line.startswith(("# ", "- "))
    ]

    def note() -> None:
        text = f"# Task {task}\n\n{BYLINE}\n\nIts documents ask for:\n\n" + "".join(
            f"    {line}\n" for line in requirements
        )
        if write(f"rehearsal/task-{task}.md", text):
            commit(f"Task {task}: note what is asked for (rehearsal)")

    def module() -> None:
        write(
            f"rehearsal/task_{task}.py",
            f'"""Task {task}. {BYLINE}"""\n\nDOCUMENTS = {[path.name for path in documents]!r}\n',
        )
        progress = Path(f".orchestrator/task-{task}-progress.log")
        progress.parent.mkdir(exist_ok=True)
        with progress.open("a") as log:
            log.write(f"attempt {attempt}: rehearsed\n")

    yield f"reading {', '.join(path.name for path in documents)}", lambda: None
    yield f"noting what task {task} asks for", note
    yield f"writing rehearsal/task_{task}.py", module


def rehearsed(task: str) -> dict[str, Any] | None:
    """Return the change of a task of the example; None in any other repository, or once the change is made."""
    for file in sorted(REHEARSALS.glob(f"*-{task}.json")):
        change: dict[str, Any] = json.loads(file.read_text())
        texts = {edit["file"]: Path(edit["file"]) for edit in change["edits"]}
        if all(path.is_file() for path in texts.values()) and all(
            texts[edit["file"]].read_text().count(edit["old"]) == 1 for edit in change["edits"]
        ):
            return change
    return None


def change_steps(session: str, task: str, change: dict[str, Any]) -> Iterator[Step]:
    """Yield the steps that make a change: its tests fail, the edits are made, its tests pass, it is committed."""

    def test() -> str:
        command = [sys.executable, *change["test"][1:]]
        environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        errors = subprocess.run(command, capture_output=True, text=True, env=environ, check=False).stderr.rstrip()
        return f"{errors.splitlines()[-1]}\n{errors}"[:LONGEST_RESULT]

    def make(edit: dict[str, str]) -> str:
        path = Path(edit["file"])
        path.write_text(path.read_text().replace(edit["old"], edit["new"]))
        return f"The file {path} has been updated."

    run_tests = partial(use_tool, session, "Bash", {"command": " ".join(change["test"])}, test)
    yield "running the tests, which fail until the task is done", run_tests
    for edit in change["edits"]:
        given = {"file_path": edit["file"], "old_string": edit["old"], "new_string": edit["new"]}
        yield f"changing `{edit['file']}`", partial(use_tool, session, "Edit", given, partial(make, edit))
    yield "running the tests again", run_tests
    yield "committing", partial(commit, f"Task {task}: take items out of the stock (rehearsal)")


def run_stop_hooks(settings: dict[str, Any], session: str, transcript: Path) -> None:
    """Run the Stop hooks with the input that Claude Code gives them."""
    event = {
        "session_id": session,
        "transcript_path": str(transcript),
        "cwd": str(Path.cwd()),
        "permission_mode": settings["permissions"]["defaultMode"],
        "hook_event_name": "Stop",
        "stop_hook_active": False,
    }
    environment = {**os.environ, "CLAUDE_PROJECT_DIR": str(Path.cwd()), "ORCHESTRATOR_MODEL": "rehearsal"}
    for hook in (hook for group in settings["hooks"].get("Stop", ()) for hook in group["hooks"]):
        print(f"[rehearsal] Stop hook {hook['command']}", flush=True)
        subprocess.run(
            ["/bin/sh", "-c", hook["command"]], input=json.dumps(event), text=True, env=environment, check=False
        )


def announce(run: str, attempt: str) -> None:
    """Print that an agent was started, and append it to `REHEARSAL_LOG`, so that starts can be counted."""
    print(f"[rehearsal] started run={run} attempt={attempt}", flush=True)
    if "REHEARSAL_LOG" in os.environ:
        with Path(os.environ["REHEARSAL_LOG"]).open("a") as log:
            log.write(f"run={run} attempt={attempt}{trace()}\n")


def trace() -> str:
    """Return the trace context passed to the agent, if any."""
    traceparent = os.environ.get("TRACEPARENT")
    return f" traceparent={traceparent}" if traceparent else ""


def changed() -> bool:
    """Return whether the branch differs from its base, including uncommitted changes."""
    status = subprocess.run(["git", "status", "--porcelain"], check=True, capture_output=True)
    ahead = subprocess.run(["git", "log", "--oneline", "HEAD", "--not", "--remotes"], check=True, capture_output=True)
    return bool(status.stdout or ahead.stdout)


def main() -> int:
    """Run one session, from prompt to result; return the exit code."""
    if sys.argv[1:2] == ["exec"]:
        sys.exit("the rehearsal agent plays Claude Code only: leave agentCli out, or install Codex with OPENAI_API_KEY")
    options, environment = arguments(sys.argv[1:]), os.environ
    home = Path(environment["CLAUDE_CONFIG_DIR"])
    attempt = environment["ORCHESTRATOR_ATTEMPT"]
    announce(environment["ORCHESTRATOR_RUN"], attempt)
    settings = json.loads(options.settings.read_text())
    session, file = open_session(options, home)
    prompt, memory = sys.stdin.read(), (home / "CLAUDE.md").read_text()
    emit(session, "system", subtype="init", cwd=str(Path.cwd()), permissionMode=settings["permissions"]["defaultMode"])
    say(session, f"a rehearsal with a prompt of {len(prompt)} and a CLAUDE.md of {len(memory)} characters")
    with file.open("a") as log:
        log.write(json.dumps({"type": "user", "message": {"role": "user", "content": prompt}}) + "\n")
    docs = environment["ORCHESTRATOR_KIND"] == "docs"
    task = environment.get("ORCHESTRATOR_TASK", "")
    change = None if docs else rehearsed(task)
    if change:
        steps = list(change_steps(session, task, change))
    else:
        steps = list(docs_steps() if docs else code_steps(task, attempt))
    for text, perform in steps:
        say(session, text)
        time.sleep(float(environment.get("REHEARSAL_SECONDS", "1")) / len(steps))
        perform()
    result = BYLINE if docs or change else f"{BYLINE} Task {task} is not implemented: rehearsal/ has a placeholder."
    if not changed():
        result = f"{BYLINE}\nNO_CHANGES: everything a rehearsal makes is there already"
    run_stop_hooks(settings, session, file)
    usage = {"input_tokens": 0, "output_tokens": 0}
    emit(
        session,
        "result",
        subtype="success",
        is_error=False,
        num_turns=len(steps),
        result=result,
        total_cost_usd=0,
        usage=usage,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
