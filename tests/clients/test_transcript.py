"""The quick start's transcript equals the output of the commands, except names, times and column widths."""

import re

import pytest

from tests.support import transcript


def words(text: str) -> list[str]:
    return [re.sub(r" +", " ", line).rstrip() for line in text.strip().splitlines()]


@pytest.mark.timeout(400)
def test_the_transcript_in_the_readme_is_current() -> None:
    assert words(transcript.written()) == words(transcript.record()), "run: make transcript"


def test_names_ports_and_times_are_normalized() -> None:
    one = "run-0123456789abcdef01234567 agents/run-0123456789abcdef01234567-abcde http://127.0.0.1:1 1m2s\n"
    other = "run-76543210fedcba9876543210 agents/run-76543210fedcba9876543210-fffff http://127.0.0.1:65000 3s\n"
    assert transcript.alike(one) == transcript.alike(other)
    assert transcript.alike("Failed 3 turns") == "Failed 3 turns"
