"""Findings of checkov in infra/terraform.

findings        each is fixed, or skipped beside the resource with its reason
skipped         each skip is still needed
the linter      works: it finds the mistakes of a bad resource
"""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.infra.terraform import FOLDER

BAD = """
resource "google_storage_bucket" "bad" {
  name     = "bad"
  location = "EU"
}
"""
SKIP = re.compile(r"#\s*checkov:skip=(\w+):?(.*)")


@pytest.fixture(scope="module")
def report(checkov: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return checkov's report; one process for all files, as it takes seconds to start."""
    folder = tmp_path_factory.mktemp("terraform")
    for file in FOLDER.glob("*.tf"):
        shutil.copy(file, folder)
    (folder / "bad.tf").write_text(BAD)
    options = ["--framework", "terraform", "--skip-download", "--output", "json", "--directory", str(folder)]
    done = subprocess.run([str(checkov), *options], capture_output=True, text=True, timeout=280, check=False)
    found: Any = json.loads(done.stdout)
    assert found["summary"]["parsing_errors"] == 0
    return found["results"]


def test_the_linter_finds_mistakes_only_in_the_bad_resource(report: Any) -> None:
    failed = {(each["file_path"], each["resource"], each["check_id"]) for each in report["failed_checks"]}
    assert {each for each in failed if each[0] != "/bad.tf"} == set()
    assert {"CKV_GCP_29", "CKV_GCP_114"} <= {check for file, _, check in failed if file == "/bad.tf"}
    assert {each["file_path"] for each in report["passed_checks"]} >= {"/identities.tf", "/storage.tf", "/queues.tf"}


def test_each_skip_has_a_reason_and_is_still_needed(report: Any) -> None:
    written = {
        (f"/{file.name}", check): reason.strip()
        for file in FOLDER.glob("*.tf")
        for check, reason in SKIP.findall(file.read_text())
    }
    assert [where for where, reason in written.items() if len(reason) < 20] == []
    used = {(each["file_path"], each["check_id"]) for each in report["skipped_checks"]}
    assert used == set(written)
