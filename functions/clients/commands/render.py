"""Show the objects that an agent would get for a run: task files, workspace claim and Job; start nothing.

A run with an open attempt is rendered for that attempt, any other for its first one.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import yaml

from functions.clients.errors import CommandError, as_command_error
from functions.clients.output import say
from functions.clients.run_file import attempt_of, read
from functions.manifests import attempt
from functions.reconciler.rendering import Unrenderable, task_files
from functions.runs.model.run import Run
from functions.settings.errors import SettingsError
from functions.settings.loading import load
from functions.settings.model import Settings
from functions.templating import completeness

NO_IMAGE = "image-not-configured"
"""Stands in the Job for the missing settings agent.image and broker.image, which task files do not need."""

EXAMPLES = """\b
Examples:
  orchestrator render run.yaml                    the objects of the attempt, as YAML
  orchestrator render run.yaml --out task-files   its task files, each as a file
  kubectl get coderun NAME -o yaml | orchestrator render -
"""


@click.command(help=__doc__, epilog=EXAMPLES)
@click.argument("run", metavar="RUN.yaml", help="A DocsRun or CodeRun; - reads standard input.")
@click.option("--out", type=click.Path(path_type=Path), help="Directory for the task files; it is created.")
def command(run: str, out: Path | None) -> None:
    """Render the run."""
    raw = read(run)
    with as_command_error(SettingsError):
        settings = load(os.environ, image=NO_IMAGE)
    incomplete = "\n".join(completeness.problems(settings.templates))
    if not settings.templates.is_dir():
        raise CommandError(incomplete)
    objects, files = _rendered(attempt_of(raw, settings.namespace), settings)
    if incomplete:
        raise CommandError(incomplete)
    if out is None:
        print(yaml.dump_all(objects, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000), end="")
    else:
        _write(out, files)


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and repeats objects in place of aliases."""

    def ignore_aliases(self, _data: Any) -> bool:
        """Return True: write every object in full."""
        return True


def _represent_text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _represent_text)


def _rendered(run: Run, settings: Settings) -> tuple[list[dict[str, Any]], Mapping[str, str]]:
    with as_command_error(Unrenderable):
        rendered = task_files(settings, run)
    objects = [attempt.task_files(run, rendered.files, rendered.checksum), attempt.job(run, settings)]
    return objects if run.status.workspace_name is None else [
        *objects,
        attempt.claim(run, settings.job),
    ], rendered.files


def _write(folder: Path, files: Mapping[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text)
    except OSError as error:
        raise CommandError(f"--out {folder}: {error}") from error
    say(f"{len(files)} task files in {folder}")
