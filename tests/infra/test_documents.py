"""README and the pages of docs/ name only existing things.

commands   every command of `orchestrator`, make, Terraform, gcloud and kubectl, with its options, outputs and targets
files      every path of this repository
alerts     every heading that an alert refers to
settings   every setting
"""

import re
import runpy
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from functions.clients.commands import command as root
from functions.queues.topology import MAX_DELIVERY_ATTEMPTS, MAX_DELIVERY_ATTEMPTS_OF
from functions.settings.model import Settings
from tests.infra.terraform import FOLDER
from tests.support.builders import settings
from tests.support.github.app import App
from tests.support.installed import ROOT

PAGES = ["README.md", *sorted(f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md"))]
TERRAFORM = "\n".join(file.read_text() for file in FOLDER.glob("*.tf"))


def text(page: str) -> str:
    return (ROOT / page).read_text()


def lines(page: str) -> list[str]:
    """Return commands: indented lines, joined after a backslash at their end, and text between backticks."""
    joined = re.sub(r" \\\n +", " ", text(page))
    blocks = re.findall(r"^ {4,}(?:export \S+ )?(\S.*)$", joined, re.MULTILINE)
    return [*blocks, *re.findall(r"`([^`\n]+)`", joined)]


def found(words: list[str]) -> tuple[click.Command, int]:
    """Return the command that the words name, and the number of words of its name; the others are arguments."""
    command: click.Command = root
    context = click.Context(root, **root.context_settings)
    for count, word in enumerate(words):
        below = command.get_command(context, word) if isinstance(command, click.Group) else None
        if below is None:
            return command, count
        command = below
    return command, len(words)


@pytest.mark.parametrize("page", PAGES)
def test_every_documented_command_exists_with_its_options(page: str) -> None:
    tried = 0
    for line in lines(page):
        match = re.match(r"orchestrator((?: [a-z][a-z-]*)+)(.*)$", line)
        if not match:
            continue
        command, count = found(match[1].split())
        assert count, line
        assert not isinstance(command, click.Group) or count == len(match[1].split()), line
        options = {option for each in command.params for option in [*each.opts, *each.secondary_opts]}
        assert set(re.findall(r"(?<= )--[a-z-]+", match[2].split(" #")[0])) <= options | {"--help"}, line
        tried += 1
    assert tried or page not in ("README.md", "docs/operations.md", "docs/quick-start.md")


@pytest.fixture(scope="module")
def gcloud(program: Callable[[str, str], str]) -> dict[str, Any]:
    """Return the commands and flags of the installed Google Cloud CLI: what it completes in a shell."""
    root = Path(program("gcloud", "see cloud.google.com, Install the Google Cloud CLI")).resolve().parents[1]
    known: dict[str, Any] = runpy.run_path(str(root / "data/cli/gcloud_completions.py"))["STATIC_COMPLETION_CLI_TREE"]
    return known


def test_every_command_of_gcloud_exists_with_its_flags(gcloud: dict[str, Any]) -> None:
    tried = 0
    for page in PAGES:
        inner = re.findall(r"\$\((gcloud [^()]*)\)", text(page))
        for line in [*inner, *(line for line in lines(page) if re.match(r"gcloud [a-z]", line))]:
            words = shlex.split(line)[1:]
            node, path = gcloud, []
            while words and words[0] in node["commands"]:
                path.append(words.pop(0))
                node = node["commands"][path[-1]]
            assert path, f"{page}: {line}"
            assert not node["commands"], f"{page}: {line} is a group of commands"
            flags = node["flags"] | gcloud["flags"]
            switches = {name.replace("--", "--no-", 1) for name, kind in flags.items() if kind == "bool"}
            named = {word.partition("=")[0] for word in words if word.startswith("--")}
            assert named <= flags.keys() | switches, f"{page}: {line}"
            tried += 1
    assert tried > 15


KUBECTL_WORDS = {"create": 3, "rollout": 2}
"""How many words name a command of kubectl; the others are one word."""


def test_every_command_of_kubectl_exists_with_its_flags(kubectl: str) -> None:
    def help_of(*words: str) -> set[str]:
        shown = subprocess.run([kubectl, *words], capture_output=True, text=True, check=True, timeout=60).stdout
        return set(re.findall(r"--[a-z-]+", shown))

    used: dict[tuple[str, ...], set[str]] = {}
    for line in (line for page in PAGES for line in lines(page) if re.match(r"kubectl [a-z-]", line)):
        words = shlex.split(re.split(r" [|>&#]", line)[0].replace("--namespace orchestrator ", ""))[1:]
        command = tuple(words[: KUBECTL_WORDS.get(words[0], 1)])
        used.setdefault(command, set()).update(word.partition("=")[0] for word in words if word.startswith("--"))
    assert len(used) > 8
    everywhere = help_of("options")
    unknown = {command: flags - help_of(*command, "--help") - everywhere for command, flags in used.items()}
    assert {command: flags for command, flags in unknown.items() if flags} == {}


@pytest.mark.parametrize("page", PAGES)
def test_every_documented_make_target_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", text("Makefile"), re.MULTILINE))
    named = {line.split()[1] for line in lines(page) if re.match(r"make [a-z]", line)}
    assert named - targets == set()
    assert named or page != "README.md"


@pytest.mark.parametrize("page", PAGES)
def test_every_documented_terraform_output_target_and_variable_exists(page: str) -> None:
    outputs = set(re.findall(r'^output "(\w+)"', TERRAFORM, re.MULTILINE))
    assert set(re.findall(r"output -raw (\w+)", text(page))) <= outputs
    for kind, name in re.findall(r"-target=(\w+)\.(\w+)", text(page)):
        assert f'resource "{kind}" "{name}"' in TERRAFORM
    for name in re.findall(r"-var (\w+)=", text(page)):
        assert f'variable "{name}"' in TERRAFORM
    for file in re.findall(r"-var-file=(\S+)", text(page)):
        assert (FOLDER / file.rstrip("`")).is_file()


@pytest.mark.parametrize("page", PAGES)
def test_every_documented_path_exists(page: str) -> None:
    named = re.findall(r"\b((?:infra|crds|tests|functions|templates)/[\w./-]*\w|crds(?=\n))", text(page))
    assert [path for path in named if not (ROOT / path).exists()] == []


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("page", PAGES)
def test_every_link_has_a_target(page: str) -> None:
    links = re.findall(r"\]\((?!https?:|mailto:)([^)\s#]*)#?([^)\s]*)\)", text(page))
    assert links or page not in ("README.md", "docs/README.md")
    for path, fragment in links:
        target = ((ROOT / page).parent / path) if path else ROOT / page
        assert target.exists(), f"{page}: {path}"
        if fragment and target.suffix == ".md":
            headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            assert fragment in {anchor(each) for each in headings}, f"{page}: {path}#{fragment}"


def test_every_page_is_in_the_index() -> None:
    listed = set(re.findall(r"\]\(([\w.-]+)", text("docs/README.md")))
    pages = {file.name for file in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert pages - listed == set()


def test_readme_has_at_most_200_lines() -> None:
    assert len(text("README.md").splitlines()) <= 200


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md", "tests/faults/README.md"])
def test_every_file_between_backticks_exists(page: str) -> None:
    places = (ROOT, ROOT / "functions", ROOT / "tests", (ROOT / page).parent)
    code = re.findall(r"`([^`\n]+)`", text(page))
    named = {each for each in code if re.fullmatch(r"[\w.-]*(/[\w.-]*)+|[\w.-]+\.(py|md|toml|yaml)", each)}
    assert len(named) >= 5
    assert [name for name in sorted(named) if not any((place / name).exists() for place in places)] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_documented_setting_exists(page: str) -> None:
    sections = {name: field.annotation for name, field in Settings.model_fields.items()}
    for section, key in re.findall(r"`([a-z]+)\.([a-z_]+)[`:]", text(page)):
        if key in ("toml", "txt", "md", "json", "yaml", "py", "sh"):
            continue  # a file
        model = sections.get(section)
        fields = getattr(model, "model_fields", {})
        variables = re.findall(r"^    (\w+)\s+=", TERRAFORM, re.MULTILINE)  # fields of object variables
        assert key in fields or key in variables, f"{section}.{key}"


def examples_of_settings() -> list[tuple[str, dict[str, Any]]]:
    """Return the YAML blocks whose keys are sections of the settings, with their page."""
    found = []
    for page in PAGES:
        for block in re.findall(r"^```yaml\n(.*?)^```$", text(page), re.MULTILINE | re.DOTALL):
            document = yaml.safe_load(block)
            if isinstance(document, dict) and document.keys() <= Settings.model_fields.keys():
                found.append((page, document))
    return found


@pytest.mark.parametrize(("page", "document"), examples_of_settings())
def test_an_example_of_settings_is_valid(page: str, document: dict[str, Any], tmp_path: Path) -> None:
    key = tmp_path / "private-key"
    key.write_text(App().private_key)
    if "private_key_file" in document.get("github", {}):
        document["github"]["private_key_file"] = str(key)  # the settings read the file
    settings(**document)


def test_the_settings_of_an_app_have_an_example() -> None:
    assert "github" in {section for _, document in examples_of_settings() for section in document}


def test_alerts_refer_to_headings_of_the_runbook() -> None:
    headings = set(re.findall(r"^## (.*)$", text("docs/operations.md"), re.MULTILINE))
    referred = set(re.findall(r"\$\{local\.runbook\}: ([^\"]*)\.\"", TERRAFORM))
    assert referred
    assert referred <= headings


def test_the_runbooks_numbers_of_attempts_and_sweeps_are_current() -> None:
    runbook = text("docs/operations.md")
    assert (
        f"refused {MAX_DELIVERY_ATTEMPTS} times (of GitHub's {MAX_DELIVERY_ATTEMPTS_OF['github_event']} times)"
        in runbook
    )
    assert f"{24 * 60 + 24:,} sweeps a day" in runbook


def test_readme_links_to_operations_and_security() -> None:
    assert {"docs/operations.md", "docs/security.md"} <= set(re.findall(r"\]\(([^)]+)\)", text("README.md")))
