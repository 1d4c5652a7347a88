"""Parts of the embedded server, without a server: ages, JSONPath, strategic merge, protobuf."""

from typing import Any

import pytest

from functions.local.apiserver.durations import human_duration
from functions.local.apiserver.jsonpath import compile_path
from functions.local.apiserver.protobuf import MAGIC, UnreadableError, read_object
from functions.local.apiserver.strategic import strategic_merge
from tests.contract.apiserver.client import Obj

MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (0, "0s"),
        (119, "119s"),
        (2 * MINUTE, "2m"),
        (3 * MINUTE + 12, "3m12s"),
        (10 * MINUTE + 5, "10m"),
        (179 * MINUTE, "179m"),
        (3 * HOUR, "3h"),
        (5 * HOUR + 7 * MINUTE, "5h7m"),
        (8 * HOUR + 7 * MINUTE, "8h"),
        (47 * HOUR, "47h"),
        (2 * DAY + 4 * HOUR, "2d4h"),
        (8 * DAY + 4 * HOUR, "8d"),
        (729 * DAY, "729d"),
        (3 * 365 * DAY + 10 * DAY, "3y10d"),
        (9 * 365 * DAY, "9y"),
    ],
)
def test_age_is_shown_as_kubectl_shows_it(seconds: float, text: str) -> None:
    assert human_duration(seconds) == text


VALUE: Obj = {"a": {"d-e": 2}, "list": [{"type": "x", "n": 1}, {"type": "y", "n": 2}]}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".a.d-e", [2]),
        (".a.none", []),
        (".a.d-e.f", []),
        ('.list[?(@.type=="y")].n', [2]),
        (".list[?(@.type=='none')].n", []),
    ],
)
def test_json_path_selects_values(path: str, found: list[Any]) -> None:
    assert compile_path(path)(VALUE) == found


@pytest.mark.parametrize("path", ["a.b", "..a", ".a[", ".a[0]", ".a[?(@.b>1)]"])
def test_unsupported_json_path_is_rejected(path: str) -> None:
    with pytest.raises(ValueError, match="is not supported"):
        compile_path(path)


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ({"$patch": "replace", "z": 1}, {"z": 1}),
        ({"$retainKeys": ["m"], "m": {"k": 2}}, {"m": {"k": 2}}),
        ({"m": None}, {"list": [1], "env": [{"name": "A"}, {"name": "B"}]}),
        ({"list": [2]}, {"m": {"k": 1}, "list": [2], "env": [{"name": "A"}, {"name": "B"}]}),
        (
            {"$setElementOrder/env": [{"name": "C"}, {"name": "B"}, {"name": "A"}], "env": [{"name": "C"}]},
            {"m": {"k": 1}, "list": [1], "env": [{"name": "C"}, {"name": "B"}, {"name": "A"}]},
        ),
    ],
)
def test_strategic_merge_applies_directives(patch: Obj, expected: Obj) -> None:
    present = {"m": {"k": 1}, "list": [1], "env": [{"name": "A"}, {"name": "B"}]}
    assert strategic_merge(present, patch) == expected


@pytest.mark.parametrize("body", [b"", b"{}", MAGIC, MAGIC + b"\x0a\xff", MAGIC + b"\xff\xff", MAGIC + b"\x0a\x05a"])
def test_invalid_protobuf_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        read_object(body)
