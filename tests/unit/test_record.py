"""Records: what `dataclass(frozen=True)` makes, but for what refuses an assignment, and without compiling it.

| of a record and a dataclass with the same fields      | is                     |
|-------------------------------------------------------|------------------------|
| made, with defaults; replaced; as a mapping; matched  | the same               |
| equal, by the fields that count, and the class        | the same               |
| hashed, where its fields can be                       | the same, equal or not |
| shown, without what is secret                         | the same               |
| a method of its own                                   | kept                   |
"""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

import pytest

from functions.record import record


@record
class Token:
    """As classes here are written."""

    name: str
    text: str = field(default="none", repr=False)
    uses: list[int] = field(default_factory=list, compare=False)


@record
class Other:
    """The same fields."""

    name: str
    text: str = "none"


def plain() -> type[Any]:
    """A dataclass with the fields of Token."""

    @dataclass(frozen=True)
    class Token:
        """The same fields."""

        name: str
        text: str = field(default="none", repr=False)
        uses: list[int] = field(default_factory=list, compare=False)

    Token.__qualname__ = "Token"
    return Token


@pytest.mark.parametrize("made", [Token, plain()])
def test_a_record_is_a_dataclass(made: type[Any]) -> None:
    one, secret = made("a"), made("a", "hidden", [1])
    assert asdict(secret) == {"name": "a", "text": "hidden", "uses": [1]}
    assert replace(secret, text="none", uses=[]) == one == made("a", uses=[2])
    assert one != secret
    assert one != Other("a")
    assert {one: 1}[made("a", uses=[3])] == 1
    assert repr(secret) == "Token(name='a', uses=[1])"
    match one:
        case made(name, text):
            assert (name, text) == ("a", "none")
        case _:
            pytest.fail("it is matched by its fields in order")
    with pytest.raises(TypeError):
        made()


def test_what_cannot_be_hashed_is_not() -> None:
    with pytest.raises(TypeError):
        hash(Token([]))  # type: ignore[arg-type]


def test_a_method_of_its_own_is_kept() -> None:
    @record
    class Named:
        """Shown by its name."""

        name: str

        def __repr__(self) -> str:
            return self.name

    assert repr(Named("a")) == "a"
