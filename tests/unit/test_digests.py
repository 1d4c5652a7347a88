"""Which of very many texts were seen: the same answers as of a set, in a few bytes for each.

| texts                | answer                        |
|----------------------|-------------------------------|
| none                 | none was seen                 |
| some, some twice     | as a set of them says         |
| very many            | and each takes no ten bytes   |
"""

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
def test_it_answers_as_a_set_does(added: list[str], others: list[str]) -> None:
    digests = of(added)
    assert [text in digests for text in added + others] == [text in set(added) for text in added + others]


def test_very_many_take_a_few_bytes_each_however_often_they_are_added() -> None:
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
