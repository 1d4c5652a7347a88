"""A set of very many texts in eight bytes each, for a pass over all runs. Pure.

A lookup of a text that was never added is wrong once in 18 million million lookups, for each million texts (2**64
divided by a million).
"""

from array import array
from bisect import bisect_left, insort
from hashlib import blake2b

SIZE = 8
"""Bytes of a digest: those of an item of array("Q")."""

PARTS = 256
"""Sorted arrays, by a digest's last byte, so that an insertion moves little: of a million texts, each has 4,000."""


class DigestSet:
    """A set of texts that only answers whether it contains one."""

    def __init__(self) -> None:
        self._parts = [array("Q") for _ in range(PARTS)]

    def add(self, text: str) -> None:
        """Add the text."""
        if text not in self:
            digest = _digest(text)
            insort(self._part(digest), digest)

    def __contains__(self, text: str) -> bool:
        """Return whether the text was added."""
        digest = _digest(text)
        part = self._part(digest)
        at = bisect_left(part, digest)
        return at < len(part) and part[at] == digest

    def _part(self, digest: int) -> "array[int]":
        return self._parts[digest % PARTS]


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=SIZE).digest())
