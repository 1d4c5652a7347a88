"""The files that workers take first: one that was renamed would silently be taken in its turn."""

from tests.conftest import LONG_FIRST
from tests.support.api import ROOT


def test_each_of_them_is_there() -> None:
    assert [file for file in LONG_FIRST if not (ROOT / file).is_file()] == []
