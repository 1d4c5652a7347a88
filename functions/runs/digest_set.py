"""Which of very many texts were seen, in eight bytes for each: what a pass over all runs keeps of them.

A text that was never seen is taken for one that was, by accident, once in 18 million million questions for each
million of texts (2**64 divided by a million).
"""

from array import array
from bisect import bisect_left, insort
from hashlib import blake2b

SIZE = 8
"""Bytes of a digest: those of an item of array("Q")."""

PARTS = 256
"""Sorted arrays, by a digest's last byte, so that one more moves little: of a million texts, 4,000 are in each."""


class DigestSet:
    """A set of texts that answers only whether one is in it."""

    def __init__(self) -> None:
        self._parts = [array("Q") for _ in range(PARTS)]

    def add(self, text: str) -> None:
        """It is in the set afterwards."""
        if text not in self:
            digest = _digest(text)
            insort(self._part(digest), digest)

    def __contains__(self, text: str) -> bool:
        """Whether it was added."""
        digest = _digest(text)
        part = self._part(digest)
        at = bisect_left(part, digest)
        return at < len(part) and part[at] == digest

    def _part(self, digest: int) -> "array[int]":
        return self._parts[digest % PARTS]


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=SIZE).digest())
