"""Files that test workers run first exist, so that a renamed file does not lose its place unnoticed."""

from tests.conftest import LONG_FIRST
from tests.support.api import ROOT


def test_every_file_that_runs_first_exists() -> None:
    assert [file for file in LONG_FIRST if not (ROOT / file).is_file()] == []
