"""`orchestrator render`: what an agent would be given for a run, without a cluster and without starting anything."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from functions.clients.errors import CommandError, as_command_error
from functions.clients.output import say

if TYPE_CHECKING:
    from functions.runs.model.run import Run
    from functions.settings import Settings

NO_IMAGE = "image-not-configured"
"""In the Job where the setting agent.image is missing; task files do not need it."""

EXAMPLES = """\b
Examples:
  orchestrator render run.yaml                    the objects of the attempt, as YAML
  orchestrator render run.yaml --out task-files   its task files, each as a file
  kubectl get coderun NAME -o yaml | orchestrator render -
"""


@click.command(epilog=EXAMPLES)
@click.argument("run", metavar="RUN.yaml", help="A DocsRun or CodeRun; - reads standard input.")
@click.option("--out", type=click.Path(path_type=Path), help="Directory for the task files; it is made.")
def render(run: str, out: Path | None) -> None:
    """Show what an agent would get for a run: its task files, workspace claim and Job; nothing is started.

    A run that has an attempt under way is rendered for that attempt, any other for its first one.
    """
    import os

    from functions.clients.run_file import attempt_of, read
    from functions.settings import SettingsError, load

    raw = read(run)
    with as_command_error(SettingsError):
        settings = load(os.environ, image=NO_IMAGE)
    if not settings.templates.is_dir():
        raise CommandError(f"setting templates: {settings.templates} is not there; name it in ORCHESTRATOR_TEMPLATES")
    attempt = attempt_of(raw, settings.namespace)
    objects, files = _rendered(attempt, settings)
    if out is None:
        import yaml

        print(yaml.dump_all(objects, Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=1000), end="")
    else:
        _write(out, files)


def _rendered(run: "Run", settings: "Settings") -> tuple[list[dict[str, Any]], Mapping[str, str]]:
    from functions.manifests import attempt
    from functions.reconciler.rendering import Unrenderable, task_files

    with as_command_error(Unrenderable):
        found = task_files(settings, run)
    objects = [attempt.task_files(run, found.files, found.checksum), attempt.job(run, settings)]
    return objects if run.status.workspace_name is None else [*objects, attempt.claim(run, settings.job)], found.files


def _dumper() -> Any:
    """Writes texts of several lines as blocks, to be read."""
    import yaml

    class Dumper(yaml.SafeDumper):
        pass

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, text)
    Dumper.ignore_aliases = lambda *_: True  # type: ignore[method-assign]
    return Dumper


def _write(folder: Path, files: Mapping[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text)
    except OSError as error:
        raise CommandError(f"--out {folder}: {error}") from error
    say(f"{len(files)} task files in {folder}")
