"""The queue back ends: each one that the settings select has a package with the functions of `Backend`."""

from importlib import import_module
from inspect import signature

import pytest

from functions.queues.backends import BACKENDS, Backend
from functions.settings.queues import BACK_ENDS


def test_each_setting_that_selects_a_back_end_has_a_package() -> None:
    assert set(BACKENDS) == set(BACK_ENDS)


@pytest.mark.parametrize("package", BACKENDS.values())
def test_a_back_end_has_the_functions_of_the_protocol(package: str) -> None:
    module = import_module(f"functions.queues.backends.{package}.backend")
    for name in ("publisher", "dead_letters", "apply"):
        _, *parameters = signature(getattr(Backend, name)).parameters.values()
        assert [*signature(getattr(module, name)).parameters.values()] == parameters
