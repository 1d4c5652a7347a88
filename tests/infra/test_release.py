"""Workflows, bundles and changelog of a release, as far as they can be tested outside of GitHub.

linted    actionlint, with shellcheck for their scripts; every action pinned by commit, every job with least rights
calls     paths and make targets that they call exist
bundles   complete, reproducible; the manifests name the release's image by digest
"""

import re
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import functions
from infra import bundles
from tests.support.installed import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
DIGEST = "sha256:" + "0123456789abcdef" * 4
IMAGES = {"orchestrator": f"ghcr.io/acme/orchestrator/orchestrator@{DIGEST}", "agent": f"ghcr.io/acme/agent@{DIGEST}"}


def loaded(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(file.read_text())
    return found


def steps(file: Path) -> list[dict[str, Any]]:
    return [step for job in loaded(file)["jobs"].values() for step in job["steps"]]


def test_actionlint_reports_nothing(program: Callable[[str, str], str]) -> None:
    actionlint = program(str(ROOT / ".parts/actionlint/bin/actionlint"), "make parts")
    done = subprocess.run([actionlint, *WORKFLOWS], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


def test_actionlint_finds_a_mistake(program: Callable[[str, str], str], tmp_path: Path) -> None:
    actionlint = program(str(ROOT / ".parts/actionlint/bin/actionlint"), "make parts")
    file = tmp_path / "bad.yml"
    file.write_text(WORKFLOWS[0].read_text().replace("github.ref }}", "github.reff }}"))
    done = subprocess.run([actionlint, file], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert "reff" in done.stdout


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_each_action_is_pinned_by_commit_and_each_job_is_bounded(file: Path) -> None:
    lines = re.findall(r"uses: (.*)", file.read_text())
    assert lines
    assert [line for line in lines if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []
    assert loaded(file)["permissions"] == {"contents": "read"}
    for job in loaded(file)["jobs"].values():
        assert job["timeout-minutes"] <= 120
        assert job["runs-on"] == "ubuntu-24.04"


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_no_script_contains_an_expression(file: Path) -> None:
    assert [step["run"] for step in steps(file) if "${{" in step.get("run", "")] == []
    checkouts = [step for step in steps(file) if "actions/checkout" in step.get("uses", "")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_paths_and_targets_of_workflows_exist(file: Path) -> None:
    text = " ".join(step.get("run", "") for step in steps(file))
    named = re.findall(r"(?<![\w/])((?:\.ci|infra)/[\w./-]*\w)", text)
    assert [name for name in named if not (ROOT / name).exists()] == []
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z]+)", text)) <= targets


def test_scripts_pass_shellcheck(program: Callable[[str, str], str]) -> None:
    shellcheck = program("shellcheck", "make parts (Debian: apt-get install shellcheck)")
    scripts = [ROOT / ".ci" / name for name in ("run", "parts", "lock", "release-image")]
    scripts += [ROOT / "infra/kubernetes/kind/up"] if (ROOT / "infra/kubernetes/kind/up").exists() else []
    done = subprocess.run([shellcheck, *scripts], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


BASE = "sha256:" + "fedcba9876543210" * 4
FAKE = rf"""#!/bin/bash
printf '%s\n' "$(basename "$0") $*" >>"$CALLS"
[[ $* != *"imagetools inspect"* ]] || echo "$INSPECTED"
while (($#)); do [[ $1 == --metadata-file ]] && echo '{{"containerimage.digest": "{DIGEST}"}}' >"$2"; shift; done
"""
"""A fake of docker and cosign that records its calls and prints digests."""


def released(folder: Path, base: str = BASE) -> "tuple[subprocess.CompletedProcess[str], list[str]]":
    """Run .ci/release-image for the image of the orchestrator; return it and the calls of docker and cosign."""
    for name in ("docker", "cosign"):
        (folder / name).write_text(FAKE)
        (folder / name).chmod(0o755)
    environ = {"PATH": f"{folder}:/usr/bin:/bin", "VERSION": "1.2.3", "REVISION": "abc", "INSPECTED": base}
    dockerfile = ROOT / "infra/images/orchestrator/Dockerfile"
    command = [str(ROOT / ".ci/release-image"), "orchestrator", "ghcr.io/Acme/X", str(dockerfile), "."]
    calls = folder / "calls"
    environ["CALLS"] = str(calls)
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    return done, calls.read_text().splitlines()


def test_an_image_is_built_from_pinned_bases_pushed_and_signed_by_digest(tmp_path: Path) -> None:
    done, calls = released(tmp_path)
    assert done.stdout == f"image=ghcr.io/acme/x/orchestrator@{DIGEST}\n", done.stderr
    (base,) = {call.split()[-1] for call in calls if "imagetools inspect" in call}
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", base)
    build, sign = calls[-2:]
    assert "--platform linux/amd64,linux/arm64 --provenance=mode=max --sbom=true --push" in build
    assert f"--build-context {base}=docker-image://{base}@{BASE} " in build
    assert f"--label org.opencontainers.image.base.digest={BASE} " in build
    assert "--build-arg VERSION=1.2.3 --build-arg REVISION=abc --tag ghcr.io/acme/x/orchestrator:1.2.3" in build
    assert sign == f"cosign sign --yes ghcr.io/acme/x/orchestrator@{DIGEST}"


def test_an_image_is_not_built_from_a_base_without_a_digest(tmp_path: Path) -> None:
    done, calls = released(tmp_path, base="<no value>")
    assert (done.returncode, done.stdout) == (1, "")
    assert "the registry gives no digest: <no value>" in done.stderr
    assert not [call for call in calls if " build " in call]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    bundles.write(ROOT, folder, IMAGES)
    return folder


def unpacked(made: Path, bundle: str, folder: Path) -> Path:
    with tarfile.open(made / f"orchestrator-{bundle}-{functions.__version__}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder / f"orchestrator-{functions.__version__}"


def test_a_bundles_manifests_name_its_image(made: Path, tmp_path: Path, kubectl: str) -> None:
    root = unpacked(made, "kubernetes", tmp_path)
    (root / "mine").mkdir()
    here = "resources: [../infra/kubernetes/base]\ncomponents: [../infra/kubernetes/components/release-images]\n"
    (root / "mine/kustomization.yaml").write_text(here)
    command = [kubectl, "kustomize", str(root / "mine")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert re.findall(r"image: (.*)", done.stdout) == [IMAGES["orchestrator"]]


def test_the_terraform_bundle_is_complete(made: Path, tmp_path: Path) -> None:
    root = unpacked(made, "terraform", tmp_path)
    there = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    for room in ("infra/terraform", "templates"):
        tracked = subprocess.run(["git", "ls-files", room], cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert set(tracked.stdout.split()) <= there
    assert (root / "IMAGES").read_text().splitlines() == [
        f"agent {IMAGES['agent']}",
        f"orchestrator {IMAGES['orchestrator']}",
    ]


def test_bundles_are_reproducible_and_have_checksums(made: Path, tmp_path: Path) -> None:
    again = bundles.write(ROOT, tmp_path, IMAGES)
    assert (tmp_path / "SHA256SUMS").read_text() == (made / "SHA256SUMS").read_text()
    checked = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=tmp_path, capture_output=True, timeout=60)
    assert checked.returncode == 0
    assert len(again) == len(bundles.BUNDLES)


def test_the_changelog_has_the_version_and_images_need_a_digest() -> None:
    assert bundles.version(ROOT) == functions.__version__
    assert bundles.notes(ROOT, functions.__version__)
    with pytest.raises(ValueError, match="has no section 99"):
        bundles.notes(ROOT, "99")
    with pytest.raises(ValueError, match="REPOSITORY@sha256:DIGEST"):
        bundles.write(ROOT, Path("/nonexistent"), {**IMAGES, "agent": "ghcr.io/acme/agent:1.0"})
