"""A set of digests answers membership like a set of strings, in a few bytes for each."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from functions.runs import digest_set
from functions.runs.digest_set import PARTS, SIZE, DigestSet
from tests.support.memory import allocated_by

TEXTS = st.lists(st.text(max_size=4))


def of(texts: list[str]) -> DigestSet:
    found = DigestSet()
    for text in texts:
        found.add(text)
    return found


@given(TEXTS, TEXTS)
def test_membership_equals_that_of_a_set(added: list[str], others: list[str]) -> None:
    digests = of(added)
    assert [text in digests for text in added + others] == [text in set(added) for text in added + others]


def test_a_large_digest_set_takes_under_10_bytes_for_each_text() -> None:
    def uids(count: int) -> list[str]:
        return [str(UUID(int=number << 96)) for number in range(count)]

    digests, count = of([]), 64 * PARTS
    with allocated_by(digest_set) as allocated:
        for text in uids(count) + uids(count):
            digests.add(text)
        taken = allocated.bytes()
    assert all(text in digests for text in uids(count))
    assert not any(text in digests for text in uids(2 * count)[count:])
    assert SIZE * count <= taken <= 10 * count
